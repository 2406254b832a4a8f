/* SPDX-License-Identifier: MIT
 * A directory of images; a set's `parent` is a link to another directory. Engines of containers
 * have the images in a folder of it, "checkpoint", with documents beside that; and copies of an
 * archive have its volumes in a folder.
 */
#include "images/backend.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/beneath.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/new-dir.h"
#include "images/image-type.h"
#include "images/source-kind.h"

#define IMAGES "checkpoint/"

/* What an engine has beside the images: copies of volumes, files it made itself. */
static const char *const beside[] = { "volumes/", "artifacts/" };

struct source_dir {
	struct source base;
	int fd;        /* of the images */
	int top;       /* of the container's directory they are in, or -1 */
	bool confined; /* source_confine() */
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
	fd_close(dir->top);
	free(dir);
}

/* "pages-9.img" before "pages-10.img". */
static int member_compare(const void *a, const void *b)
{
	return strverscmp(((const struct source_member *)a)->name,
			  ((const struct source_member *)b)->name);
}

struct folder {
	int fd;
	const char *prefix; /* of paths in it: "checkpoint/" */
	bool own;           /* it is that of the images */
};

/* A folder that is named as an image is: opening it says that it is none. */
static bool in_place_of_image(const struct folder *folder, const char *name)
{
	return folder->own && image_type_by_filename(name);
}

/* Also what it leads to. @return false: errno says why nobody knows */
static bool is_gone(const struct folder *folder, const char *name)
{
	struct stat st;
	return errno == ENOENT ||
	       (fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? errno == ENOENT
									: S_ISLNK(st.st_mode));
}

static int dir_add(struct source_dir *dir, const struct folder *folder, const char *name)
{
	struct stat st;
	char *path;
	if (fstatat(folder->fd, name, &st, 0) < 0)
		return is_gone(folder, name) ? 0 : -errno;
	if ((!S_ISREG(st.st_mode) && !(S_ISDIR(st.st_mode) && in_place_of_image(folder, name))))
		return 0; /* nothing that has bytes */
	if (asprintf(&path, "%s%s", folder->prefix, name) < 0)
		return -ENOMEM;
	struct source_member *m = array_add(&dir->members);
	if (!m) {
		free(path);
		return -ENOMEM;
	}
	m->path = path;
	m->name = folder->own ? path + strlen(folder->prefix) : path;
	m->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	m->mtime_s = st.st_mtime;
	m->mode = st.st_mode & 07777;
	m->own = folder->own;
	return 0;
}

static int list_folder(struct source_dir *dir, const struct folder *folder, struct error *err)
{
	/* A position of its own: the descriptor may be shared with the caller. */
	auto_fd fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return error_sys(err, "%s/%s", dir->base.name, folder->prefix);
	take_fd(fd);
	struct dirent *de;
	while ((errno = 0, de = readdir(d))) {
		int rc = dir_add(dir, folder, de->d_name);
		if (rc < 0)
			return error_code(err, rc, "%s", dir->base.name);
	}
	return errno ? error_sys(err, "read %s/%s", dir->base.name, folder->prefix) : 0;
}

/* Of the whole checkpoint, images and all. */
static int outer(const struct source_dir *dir)
{
	return dir->top >= 0 ? dir->top : dir->fd;
}

/* Those whose files are members. */
struct folders {
	struct folder items[2 + ARRAY_SIZE(beside)];
	size_t nr;
};

static void folders_init(struct folders *folders, const struct source_dir *dir)
{
	folders->nr = 0;
	folders->items[folders->nr++] =
	    (struct folder){ dir->fd, dir->top >= 0 ? IMAGES : "", true };
	if (dir->top >= 0)
		folders->items[folders->nr++] = (struct folder){ dir->top, "", false };
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		int fd = openat(outer(dir), beside[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			folders->items[folders->nr++] = (struct folder){ fd, beside[i], false };
	}
}

static void folders_fini(struct folders *folders)
{
	for (size_t i = 0; i < folders->nr; i++) {
		const char *prefix = folders->items[i].prefix;
		if (*prefix && strcmp(prefix, IMAGES)) /* the others are the source's */
			fd_close(folders->items[i].fd);
	}
}
#define auto_folders __attribute__((cleanup(folders_fini))) struct folders

static ssize_t dir_list(struct source *src, struct source_member **out, struct error *err)
{
	struct source_dir *dir = (struct source_dir *)src;
	auto_folders folders;
	members_free(dir);
	folders_init(&folders, dir);
	for (size_t i = 0; i < folders.nr; i++) {
		int rc = list_folder(dir, &folders.items[i], err);
		if (rc < 0)
			return rc;
	}
	if (dir->members.nr)
		qsort(dir->members.items, dir->members.nr, sizeof(*dir->members.items),
		      member_compare);
	*out = dir->members.items;
	return (ssize_t)dir->members.nr;
}

/* O_NONBLOCK: a fifo under an image's name must not hang the reader. */
static int open_at(const struct source_dir *dir, int at, const char *name)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	if (!dir->confined)
		return openat(at, name, flags);
	int fd = open_beneath(at, name, (uint64_t)flags, 0, RESOLVE_NO_MAGICLINKS);
	errno = fd < 0 ? -fd : errno;
	return fd < 0 ? -1 : fd;
}

static bool is_plain(const char *name)
{
	return !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

/* What stands behind the name of a folder; the name itself when it has none. */
static const char *behind(const char *name, const char *folder)
{
	size_t len = strlen(folder);
	return strncmp(name, folder, len) ? name : name + len;
}

/* What stands behind the name of a folder beside the images; the name itself when it has none. */
static const char *behind_beside(const char *name)
{
	const char *rest = name;
	for (size_t i = 0; rest == name && i < ARRAY_SIZE(beside); i++)
		rest = behind(name, beside[i]);
	return rest;
}

/* @param name  an image name or a path. @return descriptor; -1 with errno set */
static int open_file(const struct source_dir *dir, const char *name)
{
	for (size_t i = 0; i < dir->held.nr; i++) {
		int fd = dir->held.items[i].fd;
		if (strcmp(dir->held.items[i].name, name) != 0)
			continue;
		return lseek(fd, 0, SEEK_SET) < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	}
	if (behind_beside(name) != name)
		return open_at(dir, outer(dir), name);
	const char *image = dir->top >= 0 ? behind(name, IMAGES) : name;
	int fd = open_at(dir, dir->fd, image);
	bool outside = fd < 0 && errno == ENOENT && dir->top >= 0;
	return outside ? open_at(dir, dir->top, name) : fd;
}

static int leads_out(const struct source *src, const char *name, struct error *err)
{
	return error_set(err, EXDEV,
			 "%s/%s is a link that leads out of the set: refused; put a copy in its "
			 "place if its contents belong to it",
			 src->name, name);
}

static int dir_open_member(struct source *src, const char *name, struct istream **out,
			   struct error *err)
{
	struct source_dir *dir = (struct source_dir *)src;
	name = member_bare_path(name);
	if (!is_plain(behind_beside(dir->top >= 0 ? behind(name, IMAGES) : name)))
		return error_set(err, ENOENT, "%s has no member %s", src->name, name);
	auto_fd fd = open_file(dir, name);
	struct stat st;
	if (fd < 0 && errno == EXDEV)
		return leads_out(src, name, err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open %s/%s", src->name, name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EBADMSG, "%s/%s: not a regular file", src->name, name);
	return istream_open_file(take_fd(fd), st.st_size, name, out, err);
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
	const struct source_member *members;
	if (source_is_archive(src))
		return 0;
	ssize_t nr = source_list(src, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++)
		if (wanted(members[i].name))
			rc = hold((struct source_dir *)src, members[i].name, err);
	return rc;
}

/*
 * `parent` is a symbolic link; a copy made by a tool without links has a small file that holds the
 * link's text, or a directory.
 */
static int parent_text(const struct source_dir *dir, char *text, size_t size)
{
	ssize_t n = readlinkat(dir->fd, "parent", text, size - 1);
	auto_fd file = -1;
	if (n < 0 && errno == EINVAL) {
		file = open_at(dir, dir->fd, "parent");
		n = file < 0 ? -errno : fd_read_full(file, text, size - 1);
		if (n == -EISDIR)
			n = snprintf(text, size, "parent");
	} else if (n < 0) {
		n = -errno;
	}
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

static int parent_fd(const struct source_dir *dir, struct error *err)
{
	char text[4096];
	int rc = parent_text(dir, text, sizeof(text));
	if (rc < 0)
		return error_code(err, rc, "%s/parent", dir->base.name);
	int fd = openat(dir->fd, text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_sys(err, "%s/parent leads to %s", dir->base.name, text) : fd;
}

static int dir_open_parent(struct source *src, struct source **out, struct error *err)
{
	struct source_dir *dir = (struct source_dir *)src;
	struct stat link;
	if (fstatat(dir->fd, "parent", &link, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_sys(err, "%s/parent", src->name);
	int fd = parent_fd(dir, err);
	if (fd < 0)
		return fd;
	auto_free char *name = NULL;
	if (asprintf(&name, "%s/parent", src->name) < 0) {
		name = NULL;
		fd_close(fd);
		return error_set(err, ENOMEM, "%s: out of memory", src->name);
	}
	int rc = source_dir_open(fd, name, out, err);
	if (rc < 0 || !dir->confined)
		return rc;
	rc = source_confine(*out, err);
	if (rc < 0) {
		source_close(*out);
		*out = NULL;
	}
	return rc;
}

int source_confine(struct source *src, struct error *err)
{
	struct source_dir *dir = (struct source_dir *)src;
	if (source_is_archive(src) || dir->confined)
		return 0;
	if (dir->top >= 0) {
		/* the folder of the images may be a link as well */
		int fd = open_beneath(dir->top, IMAGES, O_RDONLY | O_DIRECTORY, 0,
				      RESOLVE_NO_MAGICLINKS);
		if (fd < 0)
			return fd == -EXDEV ? leads_out(src, "checkpoint", err)
					    : error_code(err, fd, "open %s/" IMAGES, src->name);
		fd_close(dir->fd);
		dir->fd = fd;
	}
	dir->confined = true;
	return 0;
}

int source_parent_fd(struct source *src, struct error *err)
{
	return source_is_archive(src) ? error_set(err, EINVAL, "%s is an archive", src->name)
				      : parent_fd((struct source_dir *)src, err);
}

int source_parent_text(struct source *src, char *text, size_t size)
{
	return source_is_archive(src) ? -EINVAL : parent_text((struct source_dir *)src, text, size);
}

char *source_dup_path(const struct source *src, const char *name)
{
	const struct source_dir *dir = (const struct source_dir *)src;
	bool outside = dir->top < 0 || !is_plain(name) ||
		       (faccessat(dir->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
			faccessat(dir->top, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	char *path;
	return asprintf(&path, "%s%s", outside ? "" : IMAGES, name) < 0 ? NULL : path;
}

/* A link to one is none. */
static bool is_empty_folder(int fd, const char *name)
{
	struct stat st;
	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	       dir_is_empty(fd, name) > 0;
}

static int find_empty(const struct source_dir *dir, int fd_, const char *prefix,
		      source_folder_fn found, void *arg, struct error *err)
{
	auto_fd fd = openat(fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return error_sys(err, "%s/%s", dir->base.name, prefix);
	take_fd(fd);
	const struct dirent *de;
	int rc = 0;
	while (rc == 0 && (errno = 0, de = readdir(d))) {
		char path[sizeof(IMAGES) + sizeof(de->d_name)];
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") ||
		    !is_empty_folder(fd_, de->d_name))
			continue;
		snprintf(path, sizeof(path), "%s%s", prefix, de->d_name);
		rc = found(arg, path, err);
	}
	return rc == 0 && errno ? error_sys(err, "read %s/%s", dir->base.name, prefix) : rc;
}

/* Those right in the directory; deeper ones belong to somebody else. */
static int dir_empty_folders(struct source *src, source_folder_fn found, void *arg,
			     struct error *err)
{
	const struct source_dir *dir = (const struct source_dir *)src;
	int rc = find_empty(dir, outer(dir), "", found, arg, err);
	return rc < 0 || dir->top < 0 ? rc : find_empty(dir, dir->fd, IMAGES, found, arg, err);
}

enum { BEFORE_MAX = 256 }; /* sets; more is a loop of links */

/* Is that the folder of a set before this one? @return 1, 0 or -errno */
static int is_set_before(struct source *src, const struct stat *st, struct error *err)
{
	auto_source owned = NULL;
	for (unsigned i = 0; i < BEFORE_MAX; i++) {
		struct stat is;
		auto_source parent = NULL;
		int rc = source_open_parent(src, &parent, err);
		if (rc < 0 || !parent)
			return rc;
		if (fstat(outer((struct source_dir *)parent), &is) < 0)
			return error_sys(err, "%s", parent->name);
		if (is.st_dev == st->st_dev && is.st_ino == st->st_ino)
			return 1;
		source_close(owned);
		owned = src = take_ptr(parent);
	}
	return 0;
}

/* What is neither listed nor an empty folder. @return NULL: it is one of these */
static const char *kind_of_rest(const struct folder *folder, const char *name,
				const struct stat *st)
{
	struct stat there;
	bool keeps_empty = folder->own || !*folder->prefix;
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFDIR:
		return in_place_of_image(folder, name) ||
			       (keeps_empty && dir_is_empty(folder->fd, name) > 0)
			   ? NULL
			   : "a folder";
	case S_IFLNK:
		if (fstatat(folder->fd, name, &there, 0) < 0)
			return "a link that leads nowhere";
		return S_ISREG(there.st_mode) ||
			       (S_ISDIR(there.st_mode) && in_place_of_image(folder, name))
			   ? NULL
			   : "a link to what is no file";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

/* Folders of which the members are listed, and what leads to another set. */
static bool is_known(const struct source_dir *dir, const struct folder *folder, const char *name)
{
	bool top = !*folder->prefix;
	if (!strcmp(name, ".") || !strcmp(name, "..") || (folder->own && !strcmp(name, "parent")))
		return true;
	if (top && dir->top >= 0 && !strncmp(name, IMAGES, strlen(IMAGES) - 1) &&
	    strlen(name) == strlen(IMAGES) - 1)
		return true;
	for (size_t i = 0; top && i < ARRAY_SIZE(beside); i++) {
		size_t len = strlen(beside[i]) - 1;
		if (!strncmp(name, beside[i], len) && !name[len])
			return true;
	}
	return false;
}

static int look_for_rest(struct source_dir *dir, const struct folder *folder, bool folders,
			 struct error *err)
{
	auto_fd fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return error_sys(err, "%s/%s", dir->base.name, folder->prefix);
	take_fd(fd);
	const struct dirent *de;
	while ((errno = 0, de = readdir(d))) {
		struct stat st;
		if (is_known(dir, folder, de->d_name) ||
		    fstatat(folder->fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		const char *kind = kind_of_rest(folder, de->d_name, &st);
		bool is_folder = S_ISDIR(st.st_mode);
		if (!kind || (is_folder && folders))
			continue;
		int rc = is_folder ? is_set_before(&dir->base, &st, err) : 0;
		if (rc > 0)
			continue;
		return rc < 0 ? rc
			      : error_set(err, EINVAL,
					  "%s/%s%s is %s, which would be left out: move it away",
					  dir->base.name, folder->prefix, de->d_name, kind);
	}
	return errno ? error_sys(err, "read %s/%s", dir->base.name, folder->prefix) : 0;
}

static int dir_lacks_nothing(struct source *src, bool folders, struct error *err)
{
	struct source_dir *dir = (struct source_dir *)src;
	auto_folders all;
	int rc = 0;
	folders_init(&all, dir);
	for (size_t i = 0; rc == 0 && i < all.nr; i++)
		rc = look_for_rest(dir, &all.items[i], folders, err);
	return rc;
}

static const struct source_ops dir_ops = {
	.list = dir_list,
	.open_member = dir_open_member,
	.open_parent = dir_open_parent,
	.empty_folders = dir_empty_folders,
	.lacks_nothing = dir_lacks_nothing,
	.close = dir_close,
};

/* @return 1: they are in a folder of their own; 0: right in the directory; -errno */
static int images_are_inside(int fd, struct error *err)
{
	int rc = folder_has_set(fd, "", err);
	if (rc == 0)
		return folder_has_set(fd, "checkpoint", err);
	return rc < 0 ? rc : 0;
}

int source_dir_open(int fd_, const char *name, struct source **out, struct error *err)
{
	auto_fd fd = fd_;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_sys(err, "%s", name);
	if (!S_ISDIR(st.st_mode))
		return error_code(err, ENOTDIR, "%s", name);
	int inside = images_are_inside(fd, err);
	if (inside < 0)
		return error_wrap(err, inside, "%s", name);
	auto_fd images = inside ? openat(fd, IMAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (inside && images < 0)
		return error_sys(err, "open %s/" IMAGES, name);
	struct source_dir *dir = calloc(1, sizeof(*dir));
	char *copy = strdup(name);
	if (!dir || !copy) {
		free(dir);
		free(copy);
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	dir->base = (struct source){ .ops = &dir_ops, .name = copy };
	dir->top = inside ? take_fd(fd) : -1;
	dir->fd = inside ? take_fd(images) : take_fd(fd);
	*out = &dir->base;
	return 0;
}
