/* SPDX-License-Identifier: MIT
 * What is locked to what, and who is master of which file system.
 */
#include "engine/ns/mnt-locks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/kernel-dev.h"
#include "engine/ns/aside.h"
#include "engine/ns/mnt-cover.h"
#include "engine/ns/mnt-make.h"
#include "engine/ns/set.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"

int mnt_locks_users(const struct dump *d, const struct ns_seen *ns, struct error *err)
{
	const struct ns_seen *owner = ns->owner ? ns_find_id(d, NS_USER, ns->owner) : NULL;
	if (owner)
		return ns_seen_open(owner, err);
	return d->users ? ns_open(d->tasks[0], NS_USER, err) : -1;
}

/* What is known of the mounts of the copy, in the order of the tree. */
enum { SEEN = 1, GONE = 2 };

struct trial {
	const struct dump *d;
	const struct ns_seen *ns;
	struct mnt_tree *tree;
	unsigned char *state;
};

static size_t index_of(const struct mnt_tree *tree, const struct mnt *m)
{
	size_t i = 0;
	while (tree->items[i] != m)
		i++;
	return i;
}

static int refuse(const struct trial *t, const struct mnt *m, const char *why, struct error *err)
{
	char holder[96], name[MNT_NAME_MAX];
	return error_set(err, ENOTSUP,
			 "%s: its mnt namespace belongs to a user namespace inside of another, and "
			 "%s %s: not supported; take it off before the dump, or dump when nobody "
			 "is there",
			 ns_seen_holder(t->ns, holder, sizeof(holder)), mnt_name(m, name), why);
}

/* May it be locked, and is it set? */
static bool is_lockable(const struct mnt_flag *flag, const struct mnt *m)
{
	return flag->lockable && (m->e->flags & flag->ms);
}

/* All that would be locked on its way to a user namespace. */
static uint32_t all_flags(const struct mnt *m)
{
	uint32_t all = MOUNT_ATTR__ATIME;
	for (size_t i = 0; i < MNT_FLAGS; i++)
		all |= is_lockable(&mnt_flags[i], m) ? (uint32_t)mnt_flags[i].attr : 0;
	return all;
}

static bool is_refused(int mnt, uint64_t set, uint64_t clear)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };
	return mount_setattr(mnt, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 && errno == EPERM;
}

static void try_flags(int mnt, struct mnt *m)
{
	uint64_t other =
	    m->e->flags & MS_NOATIME ? MOUNT_ATTR_STRICTATIME : (uint64_t)MOUNT_ATTR_NOATIME;
	uint32_t locked = is_refused(mnt, other, MOUNT_ATTR__ATIME) ? MOUNT_ATTR__ATIME : 0;
	for (size_t i = 0; i < MNT_FLAGS; i++)
		if (is_lockable(&mnt_flags[i], m) && is_refused(mnt, 0, mnt_flags[i].attr))
			locked |= (uint32_t)mnt_flags[i].attr;
	m->e->has_locked_flags = locked != 0;
	m->e->locked_flags = locked;
}

struct asking {
	int users, dir;
	bool is_master;
};

/* Thawing what is not frozen fails, but differently for who is not master of the file system. */
static int ask(void *ctx, struct error *err)
{
	struct asking *a = ctx;
	if (setns(a->users, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter a user namespace of the tree");
	a->is_master = ioctl(a->dir, FITHAW, 0) == 0 || errno != EPERM;
	return 0;
}

/* The innermost that is. */
static int find_master(const struct dump *d, uint32_t around, int dir, uint32_t *out,
		       struct error *err)
{
	*out = 0;
	for (size_t i = 0; i < d->ns->nr; i++) {
		const struct ns_seen *ns = &d->ns->items[i];
		if (ns->kind != NS_USER || !ns->users ||
		    !userns_seen_is_below(d, ns->id, *out ? *out : around))
			continue;
		auto_fd users = ns_seen_open(ns, err);
		struct asking a = { users, dir, false };
		int rc = users < 0 ? users : ns_aside(ask, &a, err);
		if (rc < 0)
			return rc;
		if (a.is_master)
			*out = ns->id;
	}
	return 0;
}

/* These are of who owns what they show, whoever mounts them. */
static bool shows_namespace(const struct mnt *m)
{
	static const Fstype types[] = { FSTYPE__PROC, FSTYPE__SYSFS, FSTYPE__MQUEUE, FSTYPE__CGROUP,
					FSTYPE__CGROUP2 };
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (m->fs->code == types[i])
			return true;
	return false;
}

static int note_master(const struct trial *t, const struct mnt *m, struct error *err)
{
	uint32_t id;
	if (m->source->of != m || m->source->kind != MNT_FROM_NEW || shows_namespace(m) ||
	    (m->fs->traits & FS_FILE))
		return 0;
	auto_fd dir =
	    open(m->e->mountpoint, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (dir < 0)
		return error_sys(err, "open %s", m->e->mountpoint);
	int rc = find_master(t->d, t->ns->owner, dir, &id, err);
	if (rc < 0 || !id)
		return rc;
	if (m->fs->code != FSTYPE__TMPFS && m->fs->code != FSTYPE__DEVPTS &&
	    m->fs->code != FSTYPE__OVERLAYFS)
		return refuse(t, m, "was made there", err);
	m->e->has_user_ns = true;
	m->e->user_ns = id;
	return 0;
}

static int try_one(const struct trial *t, struct mnt *m, struct error *err)
{
	struct stat st;
	auto_fd fd = open(m->e->mountpoint, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open %s", m->e->mountpoint);
	if (kernel_dev_encode(st.st_dev) != m->e->root_dev)
		return refuse(t, m, "is not what its path leads to", err);
	/* it is in use, so that nothing is ever taken off */
	if (m->parent && umount2(m->e->mountpoint, MNT_EXPIRE | UMOUNT_NOFOLLOW) < 0 &&
	    errno == EINVAL)
		m->e->has_locked = m->e->locked = true;
	int clone = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (clone < 0 && errno == EINVAL) /* something is locked to it */
		clone = open_tree(
		    fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (clone < 0)
		return refuse(t, m, "cannot be copied", err);
	try_flags(clone, m);
	close(clone);
	return note_master(t, m, err);
}

static bool is_below(const struct mnt *m, const struct mnt *above)
{
	while (m && m != above)
		m = m->parent;
	return m;
}

/* Is it seen, and all that is on it? */
static bool is_done(const struct trial *t, const struct mnt *m)
{
	for (size_t i = 0; i < t->tree->nr; i++)
		if (!t->state[i] && is_below(t->tree->items[i], m))
			return false;
	return true;
}

/* @return what is to be taken off before a mount can be seen; NULL: nothing
 * @param locked  is some of it there to stay? */
static int find_cover(const struct trial *t, const struct mnt *m, const struct mnt **out,
		      bool *locked, struct error *err)
{
	auto_covers covers = { 0 };
	int rc = mnt_covers_find(t->tree, m, m->e->mountpoint, &covers, err);
	*out = NULL;
	*locked = false;
	for (size_t i = 0; rc == 0 && i < covers.nr; i++) {
		const struct mnt *c = covers.items[i];
		unsigned char state = t->state[index_of(t->tree, c)];
		if (state & GONE)
			continue;
		*locked |= c->e->locked;
		if (!*out || !is_done(t, *out))
			*out = c;
	}
	return rc;
}

static int take_off(const struct trial *t, const struct mnt *m, struct error *err)
{
	if (umount2(m->e->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return error_sys(err, "take off %s", m->e->mountpoint);
	for (size_t i = 0; i < t->tree->nr; i++)
		if (is_below(t->tree->items[i], m))
			t->state[i] |= GONE;
	return 0;
}

/* What cannot be seen because of something locked cannot be taken off either. */
static void suppose_locked(struct mnt *m)
{
	m->e->has_locked = m->e->locked = true;
	m->e->has_locked_flags = true;
	m->e->locked_flags = all_flags(m);
}

/* @return 1: there was something to do */
static int try_round(const struct trial *t, struct error *err)
{
	const struct mnt *cover, *off = NULL;
	int rc = 0, done = 0;
	bool locked;
	for (size_t i = 0; rc == 0 && i < t->tree->nr; i++) {
		struct mnt *m = t->tree->items[i];
		if (m->ns != t->ns->id || t->state[i])
			continue;
		rc = find_cover(t, m, &cover, &locked, err);
		if (rc < 0)
			return rc;
		if (!cover) {
			rc = try_one(t, m, err);
		} else if (locked) {
			suppose_locked(m);
		} else {
			if (is_done(t, cover))
				off = cover;
			continue;
		}
		t->state[i] |= SEEN;
		done = 1;
	}
	if (rc == 0 && !done && off) {
		rc = take_off(t, off, err);
		done = 1;
	}
	return rc < 0 ? rc : done;
}

static bool has_locked_lid(const struct mnt_tree *tree, const struct mnt *m)
{
	for (size_t i = 0; i < tree->nr; i++) {
		const struct mnt *lid = tree->items[i];
		if (lid->parent == m && lid->e->locked && !*mnt_place(lid))
			return true;
	}
	return false;
}

/* Under something that is locked nothing is reached on restore, either. */
static int check_hidden(const struct trial *t, const struct mnt *m, struct error *err)
{
	const struct mnt *cover;
	bool locked;
	memset(t->state, 0, t->tree->nr);
	int rc = find_cover(t, m, &cover, &locked, err);
	if (rc < 0 || !locked)
		return rc;
	if (!m->e->locked || (m->late && !m->parent->late))
		return refuse(t, m, "is hidden by one that is locked", err);
	if (m->group || (m->e->flags & MS_UNBINDABLE))
		return refuse(t, m, "is hidden, and in a propagation group or unbindable", err);
	return 0;
}

static int check_one(const struct trial *t, const struct mnt *m, struct error *err)
{
	const MntEntry *e = m->e;
	if ((e->locked || e->locked_flags) && m->source->inside)
		return refuse(t, m, "comes from outside and consists of directories there", err);
	if (e->locked && m->late && !m->parent->late) {
		if (m->fs->traits & FS_FILE || !mnt_is_fs_root(m))
			return refuse(t, m,
				      "is locked, and shows a part of something that is made "
				      "after its parent",
				      err);
		if (has_locked_lid(t->tree, m))
			return refuse(t, m, "is locked, and hidden by another", err);
	} else if (!e->locked && has_locked_lid(t->tree, m)) {
		return refuse(t, m, "is hidden by one that is locked to it", err);
	}
	return check_hidden(t, m, err);
}

struct copying {
	int users, ns;
};

static int copy_namespace(void *ctx, struct error *err)
{
	struct copying *c = ctx;
	if (setns(c->users, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter a user namespace of the tree");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_sys(err, "copy a mount namespace");
	c->ns = procfs_open("self/ns/mnt", O_RDONLY);
	return c->ns < 0 ? error_sys(err, "open /proc/self/ns/mnt") : 0;
}

static int try_all(const struct trial *t, struct error *err)
{
	struct ns_mount_place back;
	auto_fd users = mnt_locks_users(t->d, t->ns, err);
	struct copying c = { users, -1 };
	int rc = users < 0 ? users : ns_aside(copy_namespace, &c, err);
	auto_fd copy = c.ns;
	if (rc == 0)
		rc = ns_place_enter(copy, &back, err);
	if (rc < 0)
		return rc;
	do
		rc = try_round(t, err);
	while (rc > 0);
	int left = ns_place_leave(&back, rc < 0 ? NULL : err);
	return rc < 0 ? rc : left;
}

int mnt_locks_read(const struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct mnt_tree *tree = d->mounts;
	auto_free unsigned char *state = calloc(1, tree->nr + 1);
	const struct trial t = { d, ns, tree, state };
	if (!ns->owner)
		return 0;
	int rc = state ? try_all(&t, err) : error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < tree->nr; i++)
		if (tree->items[i]->ns == ns->id && !state[i])
			rc = refuse(&t, tree->items[i], "cannot be uncovered", err);
	for (size_t i = 0; rc == 0 && i < tree->nr; i++)
		if (tree->items[i]->ns == ns->id)
			rc = check_one(&t, tree->items[i], err);
	return rc;
}
