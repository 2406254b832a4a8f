/* SPDX-License-Identifier: MIT
 * Sets made from sets.
 */
#include "convert/store/set.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "convert/store/pack.h"

/* What is no file and no link would be lost with the old directory. */
static int check_entries(int fd, const char *name, struct error *err)
{
	auto_fd own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir d = own < 0 ? NULL : fdopendir(own);
	if (!d)
		return error_sys(err, "%s", name);
	take_fd(own);
	const struct dirent *de;
	while ((de = readdir(d))) {
		struct stat st;
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
			return error_set(err, EINVAL,
					 "%s/%s is no file: a set with others in it is not "
					 "rewritten in place, name a new one with -o",
					 name, de->d_name);
	}
	return 0;
}

int set_rewrite_open(const char *path, const char *out, struct set_rewrite *set, struct error *err)
{
	*set = (struct set_rewrite){ .src_fd = -1, .out.fd = -1 };
	enum pack_filter filter;
	if (out && pack_filter_by_name(out, &filter, NULL) == 0)
		return error_set(err, EINVAL,
				 "%s: want a directory; `crit pack` makes an archive of it", out);
	int rc = source_open(path, &set->src, err);
	if (rc < 0)
		return rc;
	if (!source_is_archive(set->src)) {
		set->src_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (set->src_fd < 0)
			return error_sys(err, "open %s", path);
	} else if (!out) {
		return error_set(err, EINVAL, "%s is an archive: name the new set with -o", path);
	}
	if (!out)
		rc = check_entries(set->src_fd, path, err);
	return rc < 0 ? rc : new_dir_open(out ? out : path, !out, &set->out, err);
}

void set_rewrite_close(struct set_rewrite *set)
{
	source_close(set->src);
	fd_close(set->src_fd);
	new_dir_close(&set->out);
	*set = (struct set_rewrite){ .src_fd = -1, .out.fd = -1 };
}

int set_create(struct set_rewrite *set, const char *name, struct error *err)
{
	int fd =
	    openat(set->out.fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	return fd < 0 ? error_sys(err, "create %s/%s", set->out.path, name) : fd;
}

int set_keep(struct set_rewrite *set, const struct source_member *m, struct error *err)
{
	const char *slash = strrchr(m->path, '/');
	const char *name = slash ? slash + 1 : m->path;
	if (set->out.replaces) {
		int rc = linkat(set->src_fd, name, set->out.fd, name, 0);
		if (rc == 0)
			return 0;
		if (errno != EPERM && errno != EMLINK && errno != ENOTSUP) /* no hard links here */
			return error_sys(err, "link %s/%s", set->out.path, name);
	}
	auto_istream in = NULL;
	int rc = source_open_member(set->src, m->path, &in, err);
	if (rc < 0)
		return rc;
	auto_fd fd = set_create(set, name, err);
	if (fd < 0)
		return fd;
	return istream_copy(in, fd, name, err);
}

static bool same_place(const struct set_rewrite *set)
{
	struct stat a, b;
	return set->out.replaces ||
	       (fstatat(set->src_fd, "..", &a, 0) == 0 && fstatat(set->out.fd, "..", &b, 0) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/*
 * What the new link says; a relative one means another place when the new set lies in another
 * folder. @return 1; 0: no link is to be made; -errno
 */
static int parent_text(struct set_rewrite *set, char *text, size_t len, struct error *err)
{
	ssize_t n = readlinkat(set->src_fd, "parent", text, len - 1);
	if (n < 0 && errno == ENOENT)
		return 0;
	bool file = n < 0 && errno == EINVAL; /* the text of a link, kept in a file */
	if (file && same_place(set))
		return 0;
	auto_fd fd = file ? openat(set->src_fd, "parent", O_RDONLY | O_CLOEXEC) : -1;
	if (file)
		n = fd < 0 ? -1 : read(fd, text, len - 1);
	if (n < 0)
		return error_sys(err, "read %s/parent", source_name(set->src));
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (*text == '/' || same_place(set))
		return 1;
	auto_free char *path = NULL;
	if (asprintf(&path, "/proc/self/fd/%d/%s", set->src_fd, text) < 0) {
		path = NULL;
		return error_set(err, ENOMEM, "%s: out of memory", source_name(set->src));
	}
	auto_free char *real = realpath(path, NULL);
	if (!real)
		return error_sys(err, "%s/parent", source_name(set->src));
	snprintf(text, len, "%s", real);
	return 1;
}

int set_keep_parent(struct set_rewrite *set, struct error *err)
{
	char text[PATH_MAX];
	if (set->src_fd >= 0) {
		int rc = parent_text(set, text, sizeof(text), err);
		if (rc == 1 && symlinkat(text, set->out.fd, "parent") < 0)
			rc = error_sys(err, "link %s/parent", set->out.path);
		return rc < 0 ? rc : 0;
	}
	auto_source parent = NULL;
	int rc = source_open_parent(set->src, &parent, err);
	if (rc == 0 && parent)
		rc = error_set(err, EINVAL, "%s: an incremental chain: `crit unpack` it first",
			       source_name(set->src));
	return rc;
}

/* How much of a path in an archive is the folder of the set: other folders are not part of it. */
static size_t folder_len(const struct source_member *members, ssize_t nr)
{
	for (ssize_t i = 0; i < nr; i++) {
		const char *slash = strrchr(members[i].path, '/');
		if (!strcmp(members[i].name, "inventory.img") ||
		    !strcmp(members[i].name, "pstree.img"))
			return slash ? (size_t)(slash + 1 - members[i].path) : 0;
	}
	return 0;
}

int set_rewrite_members(struct set_rewrite *set, set_member_fn *each, void *ctx, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(set->src, &members, err);
	if (nr < 0)
		return (int)nr;
	size_t folder = folder_len(members, nr);
	int rc = set->no_parent ? 0 : set_keep_parent(set, err);
	for (ssize_t i = 0; i < nr && rc == 0; i++) {
		if (strlen(members[i].path) <= folder || strchr(members[i].path + folder, '/') ||
		    strchr(members[i].name, '/') || (folder && members[i].name == members[i].path))
			continue; /* in another folder of the archive */
		if (!strcmp(members[i].name, "parent") && set->src_fd >= 0 && !same_place(set))
			continue; /* a link by now */
		rc = each(ctx, set, &members[i], err);
		if (rc == 0)
			rc = set_keep(set, &members[i], err);
		rc = rc < 0 ? rc : 0;
	}
	return rc;
}

int set_rewrite_commit(struct set_rewrite *set, struct error *err)
{
	return new_dir_commit(&set->out, err);
}
