/* SPDX-License-Identifier: MIT
 * Hidden files, both directions. A copy of the mount alone shows them, but whoever has one open
 * from there is on another mount than before: the copy tells the handle, by which the mount itself
 * opens it.
 */
#include "engine/files/covered.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/procfs/procfs.h"
#include "engine/procfs/read.h"

/* @return what of the path is below the mount; NULL: it is not */
static const char *part_below(const char *path, const char *on)
{
	size_t len = strcmp(on, "/") ? strlen(on) : 0;
	if (strncmp(path, on, len) != 0 || path[len] != '/')
		return NULL;
	path += len;
	return path + strspn(path, "/");
}

static int open_below(const char *on, const char *path, int flags)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = { .head = { .handle_bytes = MAX_HANDLE_SZ } };
	int id;
	const char *part = part_below(path, on);
	if (!part || !*part)
		return -ENOENT;
	auto_fd mount = open(on, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd copy = (int)syscall(SYS_open_tree, AT_FDCWD, on, OPEN_TREE_CLONE | O_CLOEXEC);
	if (mount < 0 || copy < 0)
		return -errno;
	auto_fd there = openat(copy, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (there < 0 || name_to_handle_at(there, "", &handle.head, &id, AT_EMPTY_PATH) < 0)
		return -errno;
	int fd = open_by_handle_at(mount, &handle.head, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_same(int fd, const struct open_file *f, uint64_t mount)
{
	struct stat st;
	struct statx stx;
	return fstat(fd, &st) == 0 && st.st_dev == f->st.st_dev && st.st_ino == f->st.st_ino &&
	       statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) == 0 && stx.stx_mnt_id == mount;
}

int covered_find(const struct open_file *f, char **on)
{
	struct statx stx;
	struct proc_mounts mounts = { 0 };
	if (statx(f->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0 ||
	    !(stx.stx_mask & STATX_MNT_ID) || proc_mounts_read(f->task->proc_fd, &mounts, NULL) < 0)
		return 0;
	const char *path = NULL;
	for (size_t i = 0; i < mounts.nr && !path; i++)
		if ((uint64_t)mounts.items[i].id == stx.stx_mnt_id)
			path = mounts.items[i].path;
	auto_fd fd = path ? open_below(path, f->path, O_PATH) : -ENOENT;
	*on = fd >= 0 && is_same(fd, f, stx.stx_mnt_id) ? strdup(path) : NULL;
	proc_mounts_fini(&mounts);
	return *on != NULL;
}

int covered_open(const RegFileEntry *reg, int flags, struct error *err)
{
	int fd = open_below(reg->covered_on, reg->name, flags);
	return fd < 0 ? error_code(err, fd, "open %s, on the mount of %s and below another one",
				   reg->name, reg->covered_on)
		      : fd;
}
