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
#include "engine/ns/aside.h"

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
	const struct mnt_tree *tree;
	const struct mnt *m;
	int users, fd;
};

/* What is mounted on the very root of a mount. */
static const struct mnt *find_cover(const struct mnt_tree *tree, const struct mnt *m)
{
	for (size_t i = 0; i < tree->nr; i++)
		if (tree->items[i]->parent == m && !*mnt_place(tree->items[i]))
			return tree->items[i];
	return NULL;
}

/* One mount, after all that are stacked on it. */
static int take_off(const struct mnt_tree *tree, const struct mnt *m, struct error *err)
{
	size_t nr = 1;
	for (const struct mnt *on = m; (on = find_cover(tree, on)) != NULL;)
		nr++;
	while (nr-- > 0)
		if (umount2(m->e->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return error_sys(err, "take off %s", m->e->mountpoint);
	return 0;
}

/* The one whose place hides that of m, and is not hidden itself by another; NULL: none. */
static const struct mnt *find_hiding(const struct mnt_tree *tree, const struct mnt *m,
				     const bool *gone)
{
	const struct mnt *best = NULL;
	for (size_t i = 0; i < tree->nr; i++) {
		const struct mnt *s = tree->items[i];
		if (s == m || gone[i] || s->parent != m->parent ||
		    !mnt_below(m->e->mountpoint, s->e->mountpoint))
			continue;
		if (!best || strlen(s->e->mountpoint) < strlen(best->e->mountpoint))
			best = s;
	}
	return best;
}

static int uncover(const struct mnt_tree *tree, const struct mnt *m, bool *gone, struct error *err)
{
	const struct mnt *s;
	while (m->parent && (s = find_hiding(tree, m, gone)) != NULL) {
		int rc = take_off(tree, s, err);
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < tree->nr; i++)
			gone[i] = gone[i] || tree->items[i] == s;
	}
	return 0;
}

/* From the root down, so that each place can be seen when its turn comes. */
static int take_down(const struct dig *dig, bool *gone, struct error *err)
{
	int rc = 0;
	for (unsigned depth = 0; rc == 0 && depth <= dig->m->depth; depth++) {
		const struct mnt *at = dig->m;
		while (at->depth > depth)
			at = at->parent;
		rc = uncover(dig->tree, at, gone, err);
	}
	const struct mnt *cover = rc == 0 ? find_cover(dig->tree, dig->m) : NULL;
	return cover ? take_off(dig->tree, cover, err) : rc;
}

static int dig_out(void *ctx, struct error *err)
{
	struct dig *dig = ctx;
	char name[MNT_NAME_MAX];
	struct stat st;
	auto_free bool *gone = calloc(dig->tree->nr + 1, sizeof(*gone));
	if (!gone)
		return error_set(err, ENOMEM, "out of memory");
	/* from outside of it all mounts are locked to each other */
	if (dig->users >= 0 && setns(dig->users, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter the user namespace of the tree");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_sys(err, "make a mount namespace to look under mounts in");
	int rc = take_down(dig, gone, err);
	if (rc < 0)
		return error_wrap(err, rc, "%s is hidden", mnt_name(dig->m, name));
	auto_fd fd = open_place(dig->m->e->mountpoint);
	if (fd < 0 || fstat(fd, &st) < 0 || mnt_dev_of(st.st_dev) != dig->m->e->root_dev)
		return error_set(err, EBUSY, "%s is hidden by a mount that is not known",
				 mnt_name(dig->m, name));
	dig->fd = copy_of(fd, dig->m, err);
	return dig->fd < 0 ? dig->fd : 0;
}

int mnt_reach_hidden(const struct mnt_tree *tree, const struct mnt *m, int users, struct error *err)
{
	struct dig dig = { .tree = tree, .m = m, .users = users, .fd = -1 };
	int rc = ns_aside(dig_out, &dig, err);
	return rc < 0 ? rc : dig.fd;
}
