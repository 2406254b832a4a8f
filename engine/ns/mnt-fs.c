/* SPDX-License-Identifier: MIT
 * The table of file systems.
 */
#include "engine/ns/mnt-fs.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "engine/ns/mnt-autofs.h"
#include "engine/ns/mnt-content.h"
#include "engine/ns/mnt-nsfs.h"

static const struct mnt_fs rows[] = {
	{ .code = FSTYPE__UNSUPPORTED },
	{ .code = FSTYPE__AUTO },
	{ .code = FSTYPE__PROC, .name = "proc", .traits = FS_PIDS | FS_VIRTUAL },
	{ .code = FSTYPE__SYSFS, .name = "sysfs", .traits = FS_VIRTUAL },
	{ .code = FSTYPE__DEVTMPFS, .name = "devtmpfs", .traits = FS_VIRTUAL | FS_HOST },
	{ .code = FSTYPE__BINFMT_MISC,
	  .name = "binfmt_misc",
	  .traits = FS_VIRTUAL,
	  .open = mnt_binfmt_open,
	  .fill = mnt_binfmt_fill },
	{ .code = FSTYPE__TMPFS,
	  .name = "tmpfs",
	  .traits = FS_CONTENTS,
	  .dump = mnt_tmpfs_dump,
	  .open = mnt_tmpfs_open,
	  .fill = mnt_tmpfs_fill },
	{ .code = FSTYPE__DEVPTS,
	  .name = "devpts",
	  .traits = FS_VIRTUAL,
	  .mount = mnt_devpts_mount },
	{ .code = FSTYPE__PSTORE, .name = "pstore", .traits = FS_VIRTUAL | FS_HOST },
	{ .code = FSTYPE__SECURITYFS, .name = "securityfs", .traits = FS_VIRTUAL | FS_HOST },
	{ .code = FSTYPE__FUSECTL, .name = "fusectl", .traits = FS_VIRTUAL },
	{ .code = FSTYPE__DEBUGFS, .name = "debugfs", .traits = FS_VIRTUAL | FS_HOST },
	{ .code = FSTYPE__TRACEFS, .name = "tracefs", .traits = FS_VIRTUAL | FS_HOST },
	{ .code = FSTYPE__CGROUP, .name = "cgroup", .traits = FS_VIRTUAL },
	{ .code = FSTYPE__CGROUP2, .name = "cgroup2", .traits = FS_VIRTUAL },
	{ .code = FSTYPE__MQUEUE, .name = "mqueue", .dump = mnt_mqueue_dump },
	{ .code = FSTYPE__AUTOFS,
	  .name = "autofs",
	  .traits = FS_PIDS | FS_HOST | FS_DEMAND,
	  .dump = mnt_autofs_dump,
	  .mount = mnt_autofs_mount },
	{ .code = FSTYPE__NSFS, .name = "nsfs", .traits = FS_FILE, .mount = mnt_nsfs_mount },
	{ .code = FSTYPE__OVERLAYFS, .name = "overlay", .traits = FS_INSIDE },
};

const struct mnt_fs *mnt_fs_by_name(const char *name)
{
	/* "fuse.sshfs": of a subtype */
	size_t len = strcspn(name, ".");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].name && strlen(rows[i].name) == len && !memcmp(rows[i].name, name, len))
			return &rows[i];
	return &rows[0];
}

const struct mnt_fs *mnt_fs_by_code(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((uint32_t)rows[i].code == code)
			return &rows[i];
	return &rows[0];
}
