/* SPDX-License-Identifier: MIT
 * Mounts without what is mounted on them.
 */
#include "engine/ns/mnt-reach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/kernel-dev.h"
#include "engine/ns/aside.h"
#include "engine/ns/mnt-cover.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x00001000U
#endif

static int open_place(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* Without its children, and reading it changes no times. A locked child cannot be left out. */
static int copy_of(int fd, const struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	struct mount_attr quiet = { .attr_set = MOUNT_ATTR_NOATIME,
				    .attr_clr = MOUNT_ATTR__ATIME,
				    .propagation = MS_PRIVATE };
	int copy = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (copy < 0 && errno == EINVAL)
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	else if (copy >= 0)
		mount_setattr(copy, "", AT_EMPTY_PATH, &quiet, sizeof(quiet));
	return copy < 0 ? error_sys(err, "%s: copy the mount", mnt_name(m, name)) : copy;
}

int mnt_reach(const struct mnt *m, struct error *err)
{
	struct statx st;
	auto_fd fd = open_place(m->e->mountpoint);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
	    st.stx_mnt_id != m->e->mnt_id)
		return -ENOENT;
	return copy_of(fd, m, err);
}

struct dig {
	const struct mnt_covers *covers;
	const struct mnt *m;
	int users, fd;
};

static int dig_out(void *ctx, struct error *err)
{
	struct dig *dig = ctx;
	char name[MNT_NAME_MAX];
	struct stat st;
	/* from outside of it all mounts are locked to each other */
	if (dig->users >= 0 && setns(dig->users, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter the user namespace of the tree");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_sys(err, "make a mount namespace to look under mounts in");
	struct error why;
	int rc = mnt_covers_drop(dig->covers, &why);
	if (rc < 0)
		return error_set(err, -rc,
				 "%s is hidden: %s; pass --external mnt[%s]:NAME for it, or "
				 "--external mnt[]:NAME for all that came from outside",
				 mnt_name(dig->m, name), why.text, dig->m->e->mountpoint);
	auto_fd fd = open_place(dig->m->e->mountpoint);
	if (fd < 0 || fstat(fd, &st) < 0 || kernel_dev_encode(st.st_dev) != dig->m->e->root_dev)
		return error_set(err, EBUSY, "%s is hidden by a mount that is not known",
				 mnt_name(dig->m, name));
	dig->fd = copy_of(fd, dig->m, err);
	return dig->fd < 0 ? dig->fd : 0;
}

int mnt_reach_hidden(const struct mnt_tree *tree, const struct mnt *m, int users, struct error *err)
{
	auto_covers covers = { 0 };
	struct dig dig = { .covers = &covers, .m = m, .users = users, .fd = -1 };
	int rc = mnt_covers_find(tree, m, m->e->mountpoint, &covers, err);
	if (rc == 0)
		rc = ns_aside(dig_out, &dig, err);
	return rc < 0 ? rc : dig.fd;
}
