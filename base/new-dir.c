/* SPDX-License-Identifier: MIT
 * Directories that appear whole.
 */
#include "base/new-dir.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/replace.h"

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int remove_tree(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int dir_is_empty(int dirfd, const char *path)
{
	auto_fd fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return -errno;
	take_fd(fd);
	const struct dirent *de;
	while ((errno = 0, de = readdir(d))) {
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			return 0;
	}
	return errno ? -errno : 1;
}

static int check_target(const char *path, bool replace, struct stat *st, struct error *err)
{
	if (stat(path, st) < 0) {
		bool vacant = errno == ENOENT && !replace;
		if (vacant && lstat(path, st) == 0)
			return error_set(err, ENOENT, "create %s: it is a link that leads nowhere",
					 path);
		return vacant ? 0 : error_sys(err, "open %s", path);
	}
	if (!S_ISDIR(st->st_mode))
		return error_code(err, ENOTDIR, "create %s", path);
	if (replace)
		return 0;
	int rc = dir_is_empty(AT_FDCWD, path);
	return rc < 0    ? error_code(err, rc, "open %s", path)
	       : rc == 0 ? error_set(err, EEXIST, "%s exists already, and is not empty", path)
			 : 0;
}

/* Without slashes at its end. */
static char *dup_bare(const char *path)
{
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	return strndup(path, len);
}

int new_dir_open(const char *path, bool replace, struct new_dir *out, struct error *err)
{
	*out = (struct new_dir){ .fd = -1, .replaces = replace };
	struct stat st = { .st_mode = 0 };
	int rc = check_target(path, replace, &st, err);
	if (rc < 0)
		return rc;
	auto_free char *bare = dup_bare(path), *target = NULL, *temp = NULL;
	rc = bare ? replace_names(bare, &target, &temp, err)
		  : error_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		return rc;
	if (!mkdtemp(temp))
		return error_sys(err, "create %s", path);
	mode_t mode = st.st_mode ? st.st_mode & 07777 : mode_of_new(0777);
	out->fd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out->fd < 0 ||
	    (replace && st.st_uid != geteuid() && fchown(out->fd, st.st_uid, st.st_gid) < 0) ||
	    fchmod(out->fd, mode) < 0) {
		rc = error_sys(err, "create %s", temp);
		rmdir(temp);
		fd_close(take_fd(out->fd));
		return rc;
	}
	out->path = take_ptr(target);
	out->temp = take_ptr(temp);
	return 0;
}

int new_dir_commit(struct new_dir *dir, struct error *err)
{
	unsigned flags = dir->replaces ? RENAME_EXCHANGE : 0;
	if (renameat2(AT_FDCWD, dir->temp, AT_FDCWD, dir->path, flags) < 0)
		return error_sys(err, "rename %s to %s", dir->temp, dir->path);
	/* Where it was, the old one is now. */
	auto_free char *old = take_ptr(dir->temp);
	if (dir->replaces && remove_tree(old) < 0)
		return error_sys(err, "%s is replaced, but remove its old files, now %s", dir->path,
				 old);
	return 0;
}

void new_dir_close(struct new_dir *dir)
{
	int saved = errno;
	fd_close(take_fd(dir->fd));
	if (dir->temp)
		remove_tree(dir->temp);
	free(dir->temp);
	free(dir->path);
	*dir = (struct new_dir){ .fd = -1 };
	errno = saved;
}
