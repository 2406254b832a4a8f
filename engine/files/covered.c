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

/* @return its id; 0: the kernel does not tell */
static uint64_t mount_of(int fd)
{
	struct statx stx;
	bool told =
	    statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) == 0 && stx.stx_mask & STATX_MNT_ID;
	return told ? stx.stx_mnt_id : 0;
}

static bool is_same(int fd, const struct open_file *f, uint64_t mount)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_dev == f->st.st_dev && st.st_ino == f->st.st_ino &&
	       mount_of(fd) == mount;
}

/* Where a mount is; NULL: nowhere. */
static const char *find_path(const struct proc_mounts *mounts, uint64_t id)
{
	for (size_t i = 0; i < mounts->nr; i++)
		if ((uint64_t)mounts->items[i].id == id)
			return mounts->items[i].path;
	return NULL;
}

int covered_find(const struct open_file *f, char **on)
{
	struct proc_mounts mounts = { 0 };
	uint64_t id = mount_of(f->fd);
	if (!id || proc_mounts_read(f->task->proc_fd, &mounts, NULL) < 0)
		return 0;
	const char *path = find_path(&mounts, id);
	auto_fd fd = path ? open_below(path, f->path, O_PATH) : -ENOENT;
	*on = fd >= 0 && is_same(fd, f, id) ? strdup(path) : NULL;
	proc_mounts_fini(&mounts);
	return *on != NULL;
}

bool covered_is_detached(const struct open_file *f)
{
	struct proc_mounts mounts = { 0 };
	uint64_t id = mount_of(f->fd);
	if (!id || proc_mounts_read(f->task->proc_fd, &mounts, NULL) < 0)
		return false;
	bool detached = !find_path(&mounts, id);
	proc_mounts_fini(&mounts);
	return detached;
}

int covered_open(const RegFileEntry *reg, int flags, struct error *err)
{
	int fd = open_below(reg->covered_on, reg->name, flags);
	return fd < 0 ? error_code(err, fd, "open %s, on the mount of %s and below another one",
				   reg->name, reg->covered_on)
		      : fd;
}
