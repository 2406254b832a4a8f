/* SPDX-License-Identifier: MIT
 * A directory of images; a set's `parent` is a link to another directory.
 */
#include "images/backend.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"

struct source_dir {
	struct source base;
	int fd;
	struct {
		struct source_member *items;
		size_t nr, cap;
	} members;
	struct {
		struct held_member {
			char *name;
			int fd;
		} * items;
		size_t nr, cap;
	} held; /* source_hold() */
};

static void members_free(struct source_dir *dir)
{
	for (size_t i = 0; i < dir->members.nr; i++)
		free((char *)dir->members.items[i].path);
	free(dir->members.items);
	memset(&dir->members, 0, sizeof(dir->members));
}

static void dir_close(struct source *src)
{
	struct source_dir *dir = (struct source_dir *)src;
	members_free(dir);
	for (size_t i = 0; i < dir->held.nr; i++) {
		fd_close(dir->held.items[i].fd);
		free(dir->held.items[i].name);
	}
	free(dir->held.items);
	fd_close(dir->fd);
	free(dir);
}

/* "pages-9.img" before "pages-10.img". */
static int member_compare(const void *a, const void *b)
{
	return strverscmp(((const struct source_member *)a)->name,
			  ((const struct source_member *)b)->name);
}

static int dir_add(struct source_dir *dir, const char *name)
{
	struct stat st;
	if (fstatat(dir->fd, name, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return 0; /* gone, or nothing that has bytes */
	struct source_member *m = array_add(&dir->members);
	if (!m)
		return -ENOMEM;
	m->name = m->path = strdup(name);
	m->size = (uint64_t)st.st_size;
	m->mtime_s = st.st_mtime;
	m->mode = st.st_mode & 07777;
	m->own = true;
	return m->name ? 0 : -ENOMEM;
}

static ssize_t dir_list(struct source *src, struct source_member **out, struct error *err)
{
	struct source_dir *dir = (struct source_dir *)src;
	/* A position of its own: the descriptor may be shared with the caller. */
	auto_fd fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return error_sys(err, "%s", src->name);
	take_fd(fd);
	members_free(dir);
	struct dirent *de;
	while ((errno = 0, de = readdir(d))) {
		int rc = dir_add(dir, de->d_name);
		if (rc < 0)
			return error_code(err, rc, "%s", src->name);
	}
	if (errno)
		return error_sys(err, "read %s", src->name);
	if (dir->members.nr)
		qsort(dir->members.items, dir->members.nr, sizeof(*dir->members.items),
		      member_compare);
	*out = dir->members.items;
	return (ssize_t)dir->members.nr;
}

/* O_NONBLOCK: a fifo under an image's name must not hang the reader. */
static int open_file(const struct source_dir *dir, const char *name)
{
	for (size_t i = 0; i < dir->held.nr; i++) {
		int fd = dir->held.items[i].fd;
		if (strcmp(dir->held.items[i].name, name) != 0)
			continue;
		return lseek(fd, 0, SEEK_SET) < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	}
	return openat(dir->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static int dir_open_member(struct source *src, const char *name, struct istream **out,
			   struct error *err)
{
	struct source_dir *dir = (struct source_dir *)src;
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return error_set(err, ENOENT, "%s has no member %s", src->name, name);
	auto_fd fd = open_file(dir, name);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open %s/%s", src->name, name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EBADMSG, "%s/%s: not a regular file", src->name, name);
	return istream_open_fd(take_fd(fd), name, out, err);
}

static int hold(struct source_dir *dir, const char *name, struct error *err)
{
	auto_fd fd = open_file(dir, name);
	if (fd < 0)
		return error_sys(err, "open %s/%s", dir->base.name, name);
	char *copy = strdup(name);
	struct held_member *held = copy ? array_add(&dir->held) : NULL;
	if (!held) {
		free(copy);
		return error_set(err, ENOMEM, "out of memory");
	}
	*held = (struct held_member){ copy, take_fd(fd) };
	return 0;
}

int source_hold(struct source *src, bool (*wanted)(const char *name), struct error *err)
{
	struct source_member *members;
	if (source_is_archive(src))
		return 0;
	ssize_t nr = dir_list(src, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++)
		if (wanted(members[i].name))
			rc = hold((struct source_dir *)src, members[i].name, err);
	return rc;
}

/*
 * `parent` is a symbolic link; a copy made by a tool without links has a small file that holds the
 * link's text.
 */
static int parent_fd(struct source_dir *dir)
{
	int fd = openat(dir->fd, "parent", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOTDIR)
		return fd < 0 ? -errno : fd;
	auto_fd file = openat(dir->fd, "parent", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char text[4096];
	ssize_t n = file < 0 ? -errno : fd_read_full(file, text, sizeof(text) - 1);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fd = openat(dir->fd, text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int dir_open_parent(struct source *src, struct source **out, struct error *err)
{
	struct source_dir *dir = (struct source_dir *)src;
	struct stat link;
	if (fstatat(dir->fd, "parent", &link, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_sys(err, "%s/parent", src->name);
	int fd = parent_fd(dir);
	if (fd < 0)
		return error_code(err, fd, "%s/parent", src->name);
	auto_free char *name = NULL;
	if (asprintf(&name, "%s/parent", src->name) < 0) {
		name = NULL;
		fd_close(fd);
		return error_set(err, ENOMEM, "%s: out of memory", src->name);
	}
	return source_dir_open(fd, name, out, err);
}

int source_parent_fd(struct source *src, struct error *err)
{
	if (source_is_archive(src))
		return error_set(err, EINVAL, "%s is an archive", src->name);
	int fd = parent_fd((struct source_dir *)src);
	return fd < 0 ? error_code(err, fd, "%s/parent", src->name) : fd;
}

static const struct source_ops dir_ops = {
	.list = dir_list,
	.open_member = dir_open_member,
	.open_parent = dir_open_parent,
	.close = dir_close,
};

int source_dir_open(int fd_, const char *name, struct source **out, struct error *err)
{
	auto_fd fd = fd_;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_sys(err, "%s", name);
	if (!S_ISDIR(st.st_mode))
		return error_code(err, ENOTDIR, "%s", name);
	struct source_dir *dir = calloc(1, sizeof(*dir));
	char *copy = strdup(name);
	if (!dir || !copy) {
		free(dir);
		free(copy);
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	dir->base = (struct source){ .ops = &dir_ops, .name = copy };
	dir->fd = take_fd(fd);
	*out = &dir->base;
	return 0;
}
