/* SPDX-License-Identifier: MIT
 * Tar archives into directories. Names are data: every one is checked, and the kernel is asked
 * to follow no link and to stay below the directory (openat2).
 */
#include "convert/store/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "images/archive-file.h"

enum { BLOCK = 128 * 1024, TAR_BLOCK = 512, MEMBER_COST = 4096, NAME_MAX_LEN = 4096 };

struct unpack {
	struct archive *archive;
	int fd, dir_fd;
	const char *name;
	uint64_t left; /* bytes that may still be written */
	uint64_t max_size;
	struct progress *progress;
	unsigned char *block;
};

static la_ssize_t read_block(struct archive *a, void *ctx, const void **block)
{
	const struct unpack *u = ctx;
	*block = u->block;
	ssize_t n = fd_read_full(u->fd, u->block, BLOCK);
	if (n < 0)
		archive_set_error(a, (int)-n, "read: %s", strerror((int)-n));
	return n < 0 ? -1 : n;
}

static int unpack_error(const struct unpack *u, struct error *err)
{
	const char *why = archive_error_string(u->archive);
	return error_set(err, EBADMSG, "%s: %s", u->name,
			 !why || archive_is_foreign(u->archive) ? "not a tar archive" : why);
}

/* In the contents of a member. */
static int member_error(const struct unpack *u, const char *path, struct error *err)
{
	const char *why = archive_error_string(u->archive);
	return error_set(err, EBADMSG, "%s: member %s: %s", u->name, path,
			 why ?: "its contents cannot be read");
}

static int refuse(const struct unpack *u, const char *path, const char *why, struct error *err)
{
	return error_set(err, EBADMSG, "%s: member %s %s: refused", u->name, path, why);
}

/* The path without "./" and trailing slashes; "" is the directory itself. */
static int clean_path(const struct unpack *u, const char *path, char *out, struct error *err)
{
	size_t len = 0;
	*out = '\0';
	if (*path == '/')
		return refuse(u, path, "has an absolute name", err);
	if (strlen(path) >= NAME_MAX_LEN)
		return error_set(err, EBADMSG,
				 "%s: member %.60s… has a name that is too long: refused", u->name,
				 path);
	for (const char *rest = path; *rest;) {
		size_t part = strcspn(rest, "/");
		if (part == 2 && !memcmp(rest, "..", 2))
			return refuse(u, path, "leads out of its folder", err);
		if (part && !(part == 1 && *rest == '.')) {
			len +=
			    (size_t)sprintf(out + len, "%s%.*s", len ? "/" : "", (int)part, rest);
		}
		rest += part;
		rest += *rest == '/';
	}
	return 0;
}

static int open_folder_at(const struct unpack *u, const char *path)
{
	return open_beneath(u->dir_fd, path, O_PATH | O_DIRECTORY, 0,
			    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* The folder a path is in, made with those above it; *name is what is left. */
static int open_folder(const struct unpack *u, char *path, const char **name, struct error *err)
{
	char *slash = strrchr(path, '/');
	*name = slash ? slash + 1 : path;
	for (char *at = slash ? strchr(path, '/') : NULL; at; at = strchr(at + 1, '/')) {
		*at = '\0';
		char *up = strrchr(path, '/');
		if (up)
			*up = '\0';
		auto_fd fd = open_folder_at(u, up ? path : ".");
		if (up)
			*up = '/';
		int rc = fd < 0 ? fd : mkdirat(fd, up ? up + 1 : path, 0777);
		if (rc < 0 && (fd < 0 || errno != EEXIST))
			return error_code(err, fd < 0 ? fd : -errno, "%s: create %s", u->name,
					  path);
		*at = '/';
	}
	if (slash)
		*slash = '\0';
	int fd = open_folder_at(u, slash ? path : ".");
	if (slash)
		*slash = '/';
	return fd < 0 ? error_code(err, fd, "%s: folder of %s", u->name, path) : fd;
}

static int spend(struct unpack *u, uint64_t bytes, struct error *err)
{
	if (bytes > u->left)
		return error_set(err, EFBIG,
				 "%s: more than %" PRIu64 " bytes; if that is right, allow it with "
				 "--max-size",
				 u->name, u->max_size);
	u->left -= bytes;
	return 0;
}

static int unpack_file(struct unpack *u, struct archive_entry *entry, int folder, const char *path,
		       const char *name, struct error *err)
{
	int64_t size = archive_entry_size(entry);
	int rc = size < 0 ? refuse(u, path, "has no size", err) : spend(u, (uint64_t)size, err);
	if (rc < 0)
		return rc;
	auto_fd fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    archive_entry_perm(entry) & 0777);
	if (fd < 0 && errno == EEXIST)
		return refuse(u, path, "is in it twice", err);
	if (fd < 0)
		return error_sys(err, "%s: create %s", u->name, path);
	for (;;) {
		const void *buf;
		size_t len;
		la_int64_t at;
		rc = archive_read_data_block(u->archive, &buf, &len, &at);
		if (rc == ARCHIVE_EOF)
			break;
		if (rc != ARCHIVE_OK)
			return member_error(u, path, err);
		if (at < 0 || at > size || len > (uint64_t)(size - at))
			return refuse(u, path, "has bytes past its end", err);
		rc = fd_pwrite_sparse(fd, buf, len, at);
		if (rc < 0)
			return error_code(err, rc, "%s: write %s", u->name, path);
		progress_add(u->progress, len);
	}
	return ftruncate(fd, size) < 0 ? error_sys(err, "%s: write %s", u->name, path) : 0;
}

/* The one link a set has: to a folder of the same archive. */
static int unpack_parent(struct unpack *u, const char *target, const char *path, int folder,
			 struct error *err)
{
	int depth = 0;
	for (const char *at = path; *at; at++)
		depth += *at == '/';
	for (const char *at = target; *at;) {
		size_t part = strcspn(at, "/");
		if (part == 2 && !memcmp(at, "..", 2))
			depth--;
		else if (part && !(part == 1 && *at == '.'))
			depth++;
		if (depth < 0 || *target == '/')
			return refuse(u, path, "is a link out of the archive", err);
		at += part;
		at += *at == '/';
	}
	return symlinkat(target, folder, "parent") < 0
		   ? error_sys(err, "%s: create %s", u->name, path)
		   : 0;
}

static int unpack_entry(struct unpack *u, struct archive_entry *entry, struct error *err)
{
	const char *stored = archive_entry_pathname(entry);
	char path[NAME_MAX_LEN];
	int rc = stored ? clean_path(u, stored, path, err)
			: error_set(err, EBADMSG, "%s: a member has no name: refused", u->name);
	if (rc == 0)
		rc = spend(u, MEMBER_COST, err);
	if (rc < 0)
		return rc;
	unsigned type = archive_entry_filetype(entry);
	if (archive_entry_hardlink(entry))
		return refuse(u, path, "is a hard link", err);
	if (!*path)
		return type == AE_IFDIR ? 0 : refuse(u, stored, "has no name", err);
	const char *name;
	auto_fd folder = open_folder(u, path, &name, err);
	if (folder < 0)
		return folder;
	if (type == AE_IFREG)
		return unpack_file(u, entry, folder, path, name, err);
	if (type == AE_IFDIR)
		return mkdirat(folder, name, 0777) < 0 && errno != EEXIST
			   ? error_sys(err, "%s: create %s", u->name, path)
			   : 0;
	if (type == AE_IFLNK && !strcmp(name, "parent") && archive_entry_symlink(entry))
		return unpack_parent(u, archive_entry_symlink(entry), path, folder, err);
	return refuse(u, path, type == AE_IFLNK ? "is a link" : "is neither a file nor a folder",
		      err);
}

static uint64_t blocks_end(uint64_t at)
{
	return (at + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

/*
 * Blocks of zeros stand at the end. For libarchive an archive that is cut short behind a member
 * ends there as well.
 * @param end  of the last member
 */
static int check_end(const struct unpack *u, uint64_t nr_members, uint64_t end, struct error *err)
{
	if (!nr_members)
		return error_set(err, EBADMSG, "%s: an archive with nothing in it", u->name);
	if ((uint64_t)archive_filter_bytes(u->archive, 0) < end + TAR_BLOCK)
		return error_set(err, EBADMSG,
				 "%s: cut short behind member %" PRIu64 " at byte %" PRIu64
				 ": the end of the archive is missing",
				 u->name, nr_members, end);
	return 0;
}

static int unpack_all(struct unpack *u, struct error *err)
{
	archive_read_support_filter_gzip(u->archive);
	archive_read_support_filter_zstd(u->archive);
	archive_read_support_format_tar(u->archive);
	archive_read_set_read_callback(u->archive, read_block);
	archive_read_set_callback_data(u->archive, u);
	if (archive_read_open1(u->archive) != ARCHIVE_OK)
		return unpack_error(u, err);
	for (uint64_t nr = 0, end = 0;; nr++) {
		struct archive_entry *entry;
		int rc = archive_read_next_header(u->archive, &entry);
		if (rc == ARCHIVE_EOF)
			return check_end(u, nr, end, err);
		if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
			return unpack_error(u, err);
		rc = unpack_entry(u, entry, err);
		if (rc < 0)
			return rc;
		end = blocks_end((uint64_t)archive_filter_bytes(u->archive, 0));
	}
}

int unpack_archive(int fd, const char *name, int dir_fd, uint64_t max_size,
		   struct progress *progress, struct error *err)
{
	struct unpack u = { .fd = fd,
			    .dir_fd = dir_fd,
			    .name = name,
			    .left = max_size,
			    .max_size = max_size,
			    .progress = progress };
	u.block = io_buffer(BLOCK);
	u.archive = archive_read_new();
	int rc = u.block && u.archive ? unpack_all(&u, err)
				      : error_set(err, ENOMEM, "%s: out of memory", name);
	if (u.archive)
		archive_read_free(u.archive);
	free(u.block);
	return rc;
}
