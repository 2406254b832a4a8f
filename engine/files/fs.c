/* SPDX-License-Identifier: MIT
 * Current directory, root directory and umask: fs-PID.img.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/ns/mnt.h"
#include "images/reader.h"
#include "task.pb-c.h"

int fs_dump(struct dump *d, struct task *t, struct error *err)
{
	FsEntry e = FS_ENTRY__INIT;
	int rc = files_dump_link(d, t, "cwd", FILE_CWD, 0, &e.cwd_id, err);
	if (rc == 0)
		rc = files_dump_link(d, t, "root", FILE_ROOT, 0, &e.root_id, err);
	if (rc < 0)
		return rc;
	e.has_umask = true;
	e.umask = t->status.umask;
	return image_write_one(d->images_fd, IMG_FS, (uint64_t)t->vpid, &e.base, err);
}

int fs_load(struct restore *r, const struct rtask *t, struct error *err)
{
	auto_message FsEntry *e = NULL;
	int rc = image_read_one(r->images, IMG_FS, (uint64_t)t->pid, (ProtobufCMessage **)&e, err);
	if (rc < 0)
		return rc;
	if (e->has_umask && e->umask > 0777)
		return error_set(err, EBADMSG, "fs-%d.img: umask 0%o", t->pid, e->umask);
	struct fs_row *row = array_add(&r->files->fs);
	if (!row)
		return error_set(err, ENOMEM, "out of memory");
	*row = (struct fs_row){
		.pid = t->pid,
		.cwd_id = e->cwd_id,
		.root_id = e->root_id,
		.has_umask = e->has_umask,
		.umask = e->umask,
	};
	return 0;
}

/* Entering the root one is in already needs no privilege: leave it. */
static int enter_root(int fd, struct error *err)
{
	struct stat now, want;
	if (stat("/", &now) < 0 || fstat(fd, &want) < 0)
		return error_sys(err, "look at its root directory");
	if (now.st_dev == want.st_dev && now.st_ino == want.st_ino)
		return 0;
	if (fchdir(fd) < 0 || chroot(".") < 0)
		return error_sys(err, "change its root directory (needs CAP_SYS_CHROOT)");
	return 0;
}

int fs_install(struct restore *r, const struct rtask *t, struct error *err)
{
	const struct fs_row *row = file_set_fs(r->files, t->pid);
	if (t->fs_of)
		return 0; /* who it is shared with changes to it */
	if (!row)
		return error_set(err, EBADMSG, "fs-%d.img is missing", t->pid);
	int root = files_get(r, row->root_id, err);
	if (root < 0)
		return root;
	int cwd = files_get(r, row->cwd_id, err);
	if (cwd < 0)
		return cwd;
	int rc = mntns_enter_own(r, t, err);
	if (rc == 0)
		rc = enter_root(root, err);
	if (rc < 0)
		return error_wrap(err, rc, TASK_FMT, RTASK_ARGS(t));
	if (fchdir(cwd) < 0)
		return error_sys(err, TASK_FMT ": change to its current directory", RTASK_ARGS(t));
	if (row->has_umask)
		umask(row->umask);
	return 0;
}
