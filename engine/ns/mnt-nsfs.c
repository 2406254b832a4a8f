/* SPDX-License-Identifier: MIT
 * Mounts of namespaces, both directions. mountinfo calls their root "net:[4026531840]".
 */
#include "engine/ns/mnt-nsfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "engine/net/ns.h"
#include "engine/ns/held.h"
#include "engine/ns/mnt-reach.h"
#include "engine/ns/nested.h"
#include "engine/procfs/root.h"

/* The file of the namespace; the current mount namespace has the mount. */
static int open_here(const struct dump *d, const struct mnt *m, int users, struct error *err)
{
	auto_fd fd = mnt_reach(m, err);
	if (fd == -ENOENT)
		fd = mnt_reach_hidden(d->mounts, m, users, err);
	if (fd < 0)
		return fd;
	int file = procfs_reopen(fd, O_RDONLY);
	return file < 0 ? error_sys(err, "open it") : file;
}

static int open_it(const struct dump *d, const struct mnt *m, struct error *err)
{
	struct ns_mount_place back;
	const struct ns_seen *ns = ns_find_id(d, NS_MNT, m->ns);
	auto_fd users = d->users ? ns_open(d->tasks[0], NS_USER, err) : -1;
	if (d->users && users < 0)
		return users;
	int rc = ns_mount_enter_seen(ns, &back, err);
	if (rc < 0)
		return rc;
	auto_fd fd = open_here(d, m, users, err);
	int left = ns_mount_leave(&back, fd < 0 ? NULL : err);
	return fd < 0 || left == 0 ? take_fd(fd) : left;
}

static int collect_one(struct dump *d, const struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	auto_fd fd = open_it(d, m, err);
	int flag = fd < 0 ? -1 : ioctl(fd, NS_GET_NSTYPE);
	if (fd < 0)
		return error_wrap(err, fd, "%s", mnt_name(m, name));
	enum ns_kind kind = flag < 0 ? NS_KINDS : ns_kind_of((uint32_t)flag);
	if (kind != NS_NET && !ns_is_made_apart(kind))
		return error_set(err, ENOTSUP,
				 "%s is a namespace of a kind that cannot be mounted again before "
				 "there are tasks: unmount it before the dump, or leave it out by "
				 "--skip-mnt %s",
				 mnt_name(m, name), m->e->mountpoint);
	m->e->has_nsfs_id = m->e->has_nsfs_cflag = true;
	m->e->nsfs_cflag = (uint32_t)flag;
	return ns_held(d, kind, fd, mnt_name(m, name), &m->e->nsfs_id, err);
}

int mnt_nsfs_collect(struct dump *d, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && d->mounts && i < d->mounts->nr; i++)
		if (d->mounts->items[i]->fs->code == FSTYPE__NSFS)
			rc = collect_one(d, d->mounts->items[i], err);
	return rc;
}

/* Restore, in the builder. */

/* Those of the root are the ones it is in. */
static int open_built(const struct restore *r, enum ns_kind kind, uint32_t id, struct error *err)
{
	char path[32];
	int nested = ns_nested_fd(r, kind, id);
	if (kind == NS_NET && netns_is_nested(r, id))
		return netns_open(r, id, O_RDONLY, err);
	snprintf(path, sizeof(path), "self/ns/%s", ns_rows[kind].name);
	int fd = nested >= 0 ? procfs_reopen(nested, O_RDONLY) : procfs_open(path, O_RDONLY);
	return fd < 0 ? error_sys(err, "open %s namespace %u", ns_rows[kind].name, id) : fd;
}

int mnt_nsfs_mount(struct restore *r, const struct mnt *m, const char *name, unsigned long flags,
		   struct error *err)
{
	enum ns_kind kind = ns_kind_of(m->e->nsfs_cflag);
	(void)flags;
	if (!m->e->has_nsfs_id || !m->e->has_nsfs_cflag ||
	    (kind != NS_NET && !ns_is_made_apart(kind)))
		return error_set(err, EBADMSG, "which namespace it is: kind %#x", m->e->nsfs_cflag);
	auto_fd fd = open_built(r, kind, m->e->nsfs_id, err);
	if (fd < 0)
		return fd;
	auto_fd tree = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0 || move_mount(tree, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_sys(err, "mount a namespace");
	return 0;
}
