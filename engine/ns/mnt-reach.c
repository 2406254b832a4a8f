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
	int fd;
};

static unsigned count_slashes(const char *path)
{
	unsigned nr = 0;
	for (; *path; path++)
		nr += *path == '/';
	return nr;
}

/* The child of a mount that comes off next: one whose place is hidden by none of the others. */
static const struct mnt *next_off(const struct mnt_tree *tree, const struct mnt *on,
				  const bool *gone)
{
	const struct mnt *best = NULL;
	for (size_t i = 0; i < tree->nr; i++) {
		const struct mnt *c = tree->items[i];
		if (c->parent != on || gone[i])
			continue;
		if (!best || count_slashes(c->e->mountpoint) < count_slashes(best->e->mountpoint))
			best = c;
	}
	return best;
}

static void mark_gone(const struct mnt_tree *tree, const struct mnt *m, bool *gone)
{
	for (size_t i = 0; i < tree->nr; i++)
		gone[i] = gone[i] || tree->items[i] == m;
}

/* Until nothing is on m, nor hides what it stands on. No recursion: trees may be deep. */
static int take_down(struct dig *dig, bool *gone, struct error *err)
{
	char name[MNT_NAME_MAX];
	const struct mnt *at = mnt_tree_space(dig->tree, dig->m->ns)->root;
	for (;;) {
		const struct mnt *child = next_off(dig->tree, at, gone);
		if (child) {
			at = child;
			continue;
		}
		if (at == dig->m)
			return 0;
		if (umount2(at->e->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return error_sys(err, "%s is hidden, and %s cannot be taken off",
					 mnt_name(dig->m, name), at->e->mountpoint);
		mark_gone(dig->tree, at, gone);
		at = at->parent;
	}
}

static int dig_out(void *ctx, struct error *err)
{
	struct dig *dig = ctx;
	char name[MNT_NAME_MAX];
	struct stat st;
	auto_free bool *gone = calloc(dig->tree->nr + 1, sizeof(*gone));
	if (!gone)
		return error_set(err, ENOMEM, "out of memory");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_sys(err, "make a mount namespace to look under mounts in");
	int rc = take_down(dig, gone, err);
	if (rc < 0)
		return rc;
	auto_fd fd = open_place(dig->m->e->mountpoint);
	if (fd < 0 || fstat(fd, &st) < 0 || mnt_dev_of(st.st_dev) != dig->m->e->root_dev)
		return error_set(err, EBUSY, "%s is hidden by a mount that is not known",
				 mnt_name(dig->m, name));
	dig->fd = copy_of(fd, dig->m, err);
	return dig->fd < 0 ? dig->fd : 0;
}

int mnt_reach_hidden(const struct mnt_tree *tree, const struct mnt *m, struct error *err)
{
	struct dig dig = { .tree = tree, .m = m, .fd = -1 };
	int rc = ns_aside(dig_out, &dig, err);
	return rc < 0 ? rc : dig.fd;
}
