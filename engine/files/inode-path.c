/* SPDX-License-Identifier: MIT
 * From an inode to a path: by its handle where the file system has handles, else by looking where
 * it may be.
 */
#include "engine/files/inode-path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/kernel-dev.h"
#include "base/strbuf.h"
#include "engine/files/table.h"
#include "engine/ns/mnt.h"
#include "engine/procfs/procfs.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"

#define MAX_DEPTH  64
#define MAX_HANDLE 128 /* bytes */

int handle_open(uint32_t s_dev, const FhEntry *fh)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE];
	} handle = { .head = { fh->bytes, (int)fh->type } };
	struct proc_mounts mounts = { 0 };
	int found = -1;
	if (fh->bytes > MAX_HANDLE || fh->bytes > fh->n_handle * sizeof(uint64_t))
		return -EBADMSG;
	memcpy(handle.head.f_handle, fh->handle, fh->bytes);
	auto_fd self = procfs_open("self", O_PATH | O_DIRECTORY);
	if (self < 0 || proc_mounts_read(self, &mounts, NULL) < 0)
		return -EIO;
	for (size_t i = 0; found < 0 && i < mounts.nr; i++) {
		const struct proc_mount *mount = &mounts.items[i];
		if (mount->dev != kernel_dev_decode(s_dev))
			continue;
		auto_fd fd = open(mount->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		found = fd < 0 ? -1 : open_by_handle_at(fd, &handle.head, O_PATH | O_CLOEXEC);
	}
	proc_mounts_fini(&mounts);
	return found < 0 ? -ESTALE : found;
}

/* Does this name lead to it? Then it is kept. */
static bool take_name(const char *path, const struct stat *want, FhEntry *fh)
{
	struct stat st;
	if (lstat(path, &st) < 0 || st.st_ino != want->st_ino || st.st_dev != want->st_dev)
		return false;
	fh->path = strdup(path);
	return fh->path != NULL;
}

static int by_handle(const struct inode_sought *what, struct stat *st)
{
	char link[32], path[PATH_MAX];
	auto_fd fd = what->fh->bytes ? handle_open(what->s_dev, what->fh) : -ESTALE;
	if (fd < 0 || fstat(fd, st) < 0)
		return -ENOENT;
	snprintf(link, sizeof(link), "self/fd/%d", fd);
	ssize_t len = readlinkat(procfs_fd(), link, path, sizeof(path) - 1);
	if (len < 0)
		return -ENOENT;
	path[len] = 0;
	return take_name(path, st, what->fh) ? 0 : 1;
}

static bool scan(char path[PATH_MAX], size_t len, const struct stat *want, FhEntry *fh, int depth)
{
	if (take_name(len ? path : "/", want, fh))
		return true;
	auto_dir dir = depth < MAX_DEPTH ? opendir(len ? path : "/") : NULL;
	for (const struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
		size_t n = strlen(e->d_name);
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || len + n + 2 > PATH_MAX)
			continue;
		path[len] = '/';
		memcpy(path + len + 1, e->d_name, n + 1);
		bool leads = e->d_type == DT_DIR || e->d_type == DT_UNKNOWN;
		bool found = leads ? scan(path, len + 1 + n, want, fh, depth + 1)
				   : e->d_ino == want->st_ino && take_name(path, want, fh);
		path[len] = 0;
		if (found)
			return true;
	}
	return false;
}

static bool scan_from(const char *start, const struct stat *want, FhEntry *fh)
{
	char path[PATH_MAX];
	size_t len = strlen(start);
	while (len && start[len - 1] == '/')
		len--;
	if (len + 1 > sizeof(path))
		return false;
	memcpy(path, start, len);
	path[len] = 0;
	return scan(path, len, want, fh, 0);
}

/* Where things to watch usually are, after what the user said. */
static const char *const usual[] = { "/etc",       "/run",     "/var/log",
				     "/var/spool", "/var/lib", "/usr/share" };

static bool by_scan(struct dump *d, const struct open_file *f, const struct stat *want, FhEntry *fh)
{
	char cwd[PATH_MAX];
	const struct arg_list *list = &d->opts->irmap_scan_paths;
	for (size_t i = 0; i < list->nr; i++)
		if (scan_from(list->items[i], want, fh))
			return true;
	ssize_t len = readlinkat(f->task->proc_fd, "cwd", cwd, sizeof(cwd) - 1);
	if (len > 1) { /* not everything there is */
		cwd[len] = 0;
		if (scan_from(cwd, want, fh))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (scan_from(usual[i], want, fh))
			return true;
	return take_name("/", want, fh);
}

/* The same in the namespace of another task, where that file system is mounted. */
static int by_handle_elsewhere(struct dump *d, const struct open_file *f,
			       const struct inode_sought *what, struct stat *st)
{
	struct ns_mount_place back;
	struct error err;
	int mnt_id = mntns_of_dev(d, what->s_dev);
	if (mnt_id < 0 || mntns_enter(d, f->task, mnt_id, "", &back, &err) < 0)
		return -ENOENT;
	int rc = by_handle(what, st);
	if (rc == 0) {
		what->fh->has_mnt_id = true;
		what->fh->mnt_id = (uint32_t)mnt_id;
	}
	int left = ns_mount_leave(&back, &err);
	return left < 0 ? left : rc;
}

int inode_path_find(struct dump *d, const struct open_file *f, const struct inode_sought *what,
		    struct stat *st, struct error *err)
{
	char holder[96];
	int rc = by_handle(what, st);
	if (rc == -ENOENT)
		rc = by_handle_elsewhere(d, f, what, st);
	if (rc == 0 || (rc == 1 && !d->opts->force_irmap))
		return rc;
	struct stat want = { .st_dev = kernel_dev_decode(what->s_dev), .st_ino = what->ino };
	if (by_scan(d, f, &want, what->fh))
		return 0;
	if (rc == 1)
		return 1;
	return error_set(err, ENOENT,
			 "%s watches inode %" PRIu64 " of device %u:%u, for which no path was "
			 "found: name the directory it is in with --irmap-scan-path",
			 file_holder(f, holder, sizeof(holder)), what->ino, major(want.st_dev),
			 minor(want.st_dev));
}
