/* SPDX-License-Identifier: MIT
 * Writing sets into tar archives.
 */
#include "convert/store/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "images/image-type.h"
#include "images/seekable.h"
#include "images/source.h"

enum { BUFFER = 128 * 1024, CHAIN_MAX = 256, NAME_LEN = 512 };

struct pack {
	struct archive *archive;
	struct archive_entry *entry;
	const char *name; /* of the archive */
	struct progress *progress;
	unsigned char *buf;
};

static int pack_error(const struct pack *p, struct error *err)
{
	const char *why = archive_error_string(p->archive);
	return error_set(err, EIO, "write %s: %s", p->name, why ? why : "failed");
}

static void entry_start(struct pack *p, const char *path, const struct stat *st)
{
	archive_entry_clear(p->entry);
	archive_entry_set_pathname(p->entry, path);
	archive_entry_set_uid(p->entry, st->st_uid);
	archive_entry_set_gid(p->entry, st->st_gid);
	archive_entry_set_mtime(p->entry, st->st_mtime, 0);
	archive_entry_set_perm(p->entry, st->st_mode & 0777);
}

static int pack_file(struct pack *p, int dir_fd, const char *file, const char *path,
		     struct error *err)
{
	auto_fd fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open %s", path);
	entry_start(p, path, &st);
	archive_entry_set_filetype(p->entry, AE_IFREG);
	archive_entry_set_size(p->entry, st.st_size);
	if (archive_write_header(p->archive, p->entry) < ARCHIVE_WARN)
		return pack_error(p, err);
	for (uint64_t left = (uint64_t)st.st_size; left;) {
		ssize_t n = fd_read_full(fd, p->buf, left < BUFFER ? (size_t)left : BUFFER);
		if (n <= 0)
			return n < 0 ? error_code(err, (int)n, "read %s", path)
				     : error_set(err, EIO, "%s became shorter while it was read",
						 path);
		if (archive_write_data(p->archive, p->buf, (size_t)n) != n)
			return pack_error(p, err);
		left -= (uint64_t)n;
		progress_add(p->progress, (uint64_t)n);
	}
	return archive_write_finish_entry(p->archive) < ARCHIVE_WARN ? pack_error(p, err) : 0;
}

static int pack_link(struct pack *p, const char *path, const char *target, struct error *err)
{
	const struct stat st = { .st_mode = 0777 };
	entry_start(p, path, &st);
	archive_entry_set_filetype(p->entry, AE_IFLNK);
	archive_entry_set_symlink(p->entry, target);
	archive_entry_set_size(p->entry, 0);
	return archive_write_header(p->archive, p->entry) < ARCHIVE_WARN ? pack_error(p, err) : 0;
}

struct folders {
	struct pack *pack;
	const char *above; /* "", or "checkpoint/parent-1/" */
};

static int pack_folder(void *arg, const char *folder, struct error *err)
{
	const struct folders *f = arg;
	const struct stat st = { .st_mode = 0755 };
	char path[NAME_LEN];
	snprintf(path, sizeof(path), "%s%s", f->above, folder);
	entry_start(f->pack, path, &st);
	archive_entry_set_filetype(f->pack->entry, AE_IFDIR);
	return archive_write_header(f->pack->archive, f->pack->entry) < ARCHIVE_WARN
		   ? pack_error(f->pack, err)
		   : 0;
}

static bool is_pages(const char *name)
{
	const struct image_type *type = image_type_by_filename(name);
	return type && type->id == IMG_PAGES;
}

/* Small images first: whoever reads a compressed archive meets them early. */
static int pack_members(struct pack *p, struct source *src, int dir_fd, const char *folder,
			struct error *err)
{
	const struct source_member *members;
	struct folders folders = { p, folder };
	int rc = source_empty_folders(src, pack_folder, &folders, err);
	ssize_t nr = rc < 0 ? rc : source_list(src, &members, err);
	rc = nr < 0 ? (int)nr : 0;
	for (int pages = 0; pages < 2; pages++) {
		for (ssize_t i = 0; i < nr && rc == 0; i++) {
			char path[NAME_LEN];
			if (is_pages(members[i].name) != pages ||
			    !strcmp(members[i].name, "parent"))
				continue;
			snprintf(path, sizeof(path), "%s%s", folder, members[i].path);
			rc = pack_file(p, dir_fd, members[i].path, path, err);
		}
	}
	return rc;
}

/* The set and those before it; a loop of links ends at CHAIN_MAX. */
static int pack_chain(struct pack *p, const char *dir, struct error *err)
{
	auto_source src = NULL;
	auto_fd fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open %s", dir);
	int rc = source_open_dirfd(fd, dir, &src, err);
	auto_free char *images = rc < 0 ? NULL : source_dup_path(src, "");
	if (rc == 0 && !images)
		rc = error_set(err, ENOMEM, "out of memory");
	for (unsigned depth = 0; rc == 0; depth++) {
		char folder[48] = "", path[64], target[32];
		if (depth)
			snprintf(folder, sizeof(folder), "%sparent-%u/", images, depth);
		auto_source parent = NULL;
		rc = source_open_parent(src, &parent, err);
		if (rc == 0 && depth == CHAIN_MAX)
			rc = error_set(err, ELOOP, "%s: more than %d parent sets", dir, CHAIN_MAX);
		if (rc == 0 && parent) {
			snprintf(path, sizeof(path), "%sparent", depth ? folder : images);
			snprintf(target, sizeof(target), "%sparent-%u", depth ? "../" : "",
				 depth + 1);
			rc = pack_link(p, path, target, err);
		}
		if (rc == 0)
			rc = pack_members(p, src, fd, folder, err);
		if (rc < 0 || !parent)
			break;
		int next = source_parent_fd(src, err);
		if (next < 0)
			return next;
		fd_close(fd);
		fd = next;
		source_close(src);
		src = take_ptr(parent);
	}
	return rc;
}

static int pack_open(struct pack *p, int fd, const struct archive_form *form, unsigned level,
		     struct error *err)
{
	p->buf = io_buffer(BUFFER);
	p->archive = archive_write_new();
	p->entry = archive_entry_new();
	if (!p->buf || !p->archive || !p->entry)
		return error_set(err, ENOMEM, "%s: out of memory", p->name);
	int rc = archive_write_set_format_pax_restricted(p->archive);
	if (rc == ARCHIVE_OK)
		rc = archive_filter_add(p->archive, form->filter);
	char text[16];
	snprintf(text, sizeof(text), "%u", level);
	if (rc == ARCHIVE_OK && level)
		rc = archive_write_set_filter_option(p->archive, NULL, "compression-level", text);
	/* Nothing is gathered into blocks: what is written goes straight to the file. */
	if (rc == ARCHIVE_OK && !form->levels)
		rc = archive_write_set_bytes_per_block(p->archive, 0);
	if (rc == ARCHIVE_OK)
		rc = archive_write_open_fd(p->archive, fd);
	return rc == ARCHIVE_OK ? 0 : pack_error(p, err);
}

int pack_set(const char *dir, int fd, const char *name, const struct archive_form *form,
	     unsigned level, struct progress *progress, struct error *err)
{
	struct pack p = { .name = name, .progress = progress };
	int rc = pack_open(&p, fd, form, level, err);
	if (rc == 0)
		rc = pack_chain(&p, dir, err);
	if (rc == 0 && archive_write_close(p.archive) != ARCHIVE_OK)
		rc = pack_error(&p, err);
	if (p.entry)
		archive_entry_free(p.entry);
	if (p.archive)
		archive_write_free(p.archive);
	free(p.buf);
	return rc;
}
