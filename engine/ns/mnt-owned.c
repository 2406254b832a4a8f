/* SPDX-License-Identifier: MIT
 * The kernel locks mounts when a namespace is copied into a less privileged user namespace, and
 * only then. So what was locked is put together in the yard, copied by a process of the owner, and
 * cloned from that copy: what is locked to the root of a clone stays so.
 */
#include "engine/ns/mnt-owned.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/ns/aside.h"
#include "engine/ns/mnt-make.h"
#include "engine/ns/nested.h"
#include "engine/ns/set.h"
#include "engine/ns/user.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x00001000U
#endif
#define CLONE_FLAGS (OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
#define MADE        "m" /* in the directory of one that is being locked */
#define SEAT        "d" /* in what keeps a place */

struct locking {
	struct restore *r;
	struct mnt_tree *tree;
	struct mnt *top;
	int dir, fd; /* where it is put together; the clone */
};

static bool is_seated(const struct mnt *m)
{
	return m->e->locked && m->parent && m->late && !m->parent->late;
}

static bool is_carried(const struct mnt *m)
{
	return m->e->locked && m->parent && m->late == m->parent->late;
}

static bool needs_locks(const struct mnt_tree *tree, const struct mnt *m)
{
	if (m->e->locked || m->e->locked_flags)
		return true;
	for (size_t i = 0; i < tree->nr; i++)
		if (tree->items[i]->parent == m && tree->items[i]->e->locked)
			return true;
	return false;
}

static int open_in(int dir, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static int make_dir(int at, const char *name, struct error *err)
{
	if (mkdirat(at, name, 0700) < 0)
		return error_sys(err, "make a place to lock mounts in");
	int dir = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? error_sys(err, "open a place to lock mounts in") : dir;
}

/* Something empty in its place, in which it is mounted later. */
static int make_seat(const struct locking *l, const struct mnt *m, struct error *err)
{
	char name[32];
	snprintf(name, sizeof(name), "seat%u", m->e->mnt_id);
	auto_fd dir = make_dir(l->tree->yard, name, err);
	auto_fd inside = dir < 0 ? -1 : make_dir(dir, SEAT, err);
	if (dir < 0 || inside < 0)
		return dir < 0 ? dir : inside;
	int seat = open_tree(dir, "", CLONE_FLAGS | AT_EMPTY_PATH);
	return seat < 0 ? error_sys(err, "keep a place") : seat;
}

static int put(int mnt, int place, struct error *err)
{
	return move_mount(mnt, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
		   ? error_sys(err, "put mounts together")
		   : 0;
}

/* The directories first: some may be hidden afterwards. */
static int open_places(const struct locking *l, const struct mnt *on, struct error *err)
{
	for (size_t i = 0; i < l->tree->nr; i++) {
		struct mnt *m = l->tree->items[i];
		if (m->parent != on || !m->e->locked)
			continue;
		m->place = *mnt_place(m) ? open_in(on->fd, mnt_place(m))
					 : fcntl(on->fd, F_DUPFD_CLOEXEC, 3);
		if (m->place < 0)
			return error_sys(err, "open %s, which is mounted on", m->e->mountpoint);
	}
	return 0;
}

static int put_together(const struct locking *l, const struct mnt *on, struct error *err)
{
	int rc = open_places(l, on, err);
	for (size_t i = 0; rc == 0 && i < l->tree->nr; i++) {
		struct mnt *m = l->tree->items[i];
		if (m->parent != on || !m->e->locked)
			continue;
		auto_fd place = m->place;
		m->place = -1;
		if (is_seated(m)) {
			m->place = make_seat(l, m, err);
			rc = m->place < 0 ? m->place : put(m->place, place, err);
			continue;
		}
		rc = m->fd < 0 ? error_set(err, EBADMSG, "%s is locked, and made of what is there",
					   m->e->mountpoint)
			       : put(m->fd, place, err);
		if (rc == 0)
			rc = put_together(l, m, err);
	}
	return rc;
}

/* Where it is from the directory all is put together in. */
static void path_of(const struct locking *l, const struct mnt *m, char *out, size_t len)
{
	const char *rest = mnt_below(m->e->mountpoint, l->top->e->mountpoint);
	snprintf(out, len, MADE "%s%s", rest && *rest ? "/" : "", rest ? rest : "");
}

static uint64_t mnt_id_of(int fd)
{
	struct statx st;
	return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ? 0 : st.stx_mnt_id;
}

static bool is_visible(const struct locking *l, const struct mnt *m)
{
	char path[PATH_MAX];
	path_of(l, m, path, sizeof(path));
	auto_fd fd = open_in(l->dir, path);
	return fd >= 0 &&
	       mnt_id_of(fd) == mnt_id_of(m != l->top && is_seated(m) ? m->place : m->fd);
}

/* What it has on the way is locked. What nobody can reach any more gets all its flags before. */
static int set_flags(const struct mnt *m, bool visible, struct error *err)
{
	uint32_t flags = (m->e->flags & ~(uint32_t)MS_UNBINDABLE) | MS_PRIVATE;
	for (size_t i = 0; visible && i < MNT_FLAGS; i++)
		if (mnt_flags[i].lockable && !(m->e->locked_flags & mnt_flags[i].attr))
			flags &= ~mnt_flags[i].ms;
	int rc = mnt_set_flags(m->fd, flags);
	return rc < 0 ? error_code(err, rc, "set its flags (%#x)", m->e->flags) : 0;
}

static bool is_of(const struct mnt *m, const struct mnt *top)
{
	while (m != top && m && (is_carried(m) || is_seated(m)))
		m = m->parent;
	return m == top;
}

/* @return 1 for those that can be opened again afterwards, by their number in the tree */
static int prepare(const struct locking *l, unsigned char *visible, struct error *err)
{
	char name[MNT_NAME_MAX];
	for (size_t i = 0; i < l->tree->nr; i++) {
		const struct mnt *m = l->tree->items[i];
		if (!is_of(m, l->top))
			continue;
		visible[i] = is_visible(l, m);
		if (!visible[i] && (m == l->top || is_seated(m) || m->group))
			return error_set(err, EBADMSG, "%s is hidden by one that is locked",
					 mnt_name(m, name));
		bool seat = m != l->top && is_seated(m);
		int rc = seat ? 0 : set_flags(m, visible[i], err);
		if (rc < 0)
			return error_wrap(err, rc, "%s", mnt_name(m, name));
	}
	return 0;
}

static int clone_locked(void *ctx, struct error *err)
{
	struct locking *l = ctx;
	if (fchdir(l->dir) < 0)
		return error_sys(err, "change to where mounts are locked");
	int rc = userns_enter_owner(l->r, NS_MNT, l->top->ns, err);
	if (rc < 0)
		return rc;
	if (unshare(CLONE_NEWNS) < 0)
		return error_sys(err, "copy a mount namespace");
	l->fd = open_tree(AT_FDCWD, MADE, CLONE_FLAGS | AT_RECURSIVE | AT_NO_AUTOMOUNT);
	return l->fd < 0 ? error_sys(err, "clone locked mounts") : 0;
}

static int take_over(const struct locking *l, const unsigned char *visible, struct error *err)
{
	char path[PATH_MAX];
	for (size_t i = 0; i < l->tree->nr; i++) {
		struct mnt *m = l->tree->items[i];
		if (m == l->top || !is_of(m, l->top))
			continue;
		int *fd = is_seated(m) ? &m->place : &m->fd;
		close(*fd);
		*fd = -1;
		m->carried = is_carried(m);
		m->seated = !m->carried;
		if (!visible[i])
			continue;
		path_of(l, m, path, sizeof(path));
		*fd = open_in(l->fd, path + sizeof(MADE)); /* and its slash */
		if (*fd < 0)
			return error_sys(err, "open %s again", m->e->mountpoint);
	}
	close(l->top->fd);
	l->top->fd = l->fd;
	return 0;
}

static int lock_one(struct restore *r, struct mnt_tree *tree, struct mnt *top, struct error *err)
{
	char name[32];
	struct stat st;
	snprintf(name, sizeof(name), "lock%u", top->e->mnt_id);
	auto_free unsigned char *visible = calloc(1, tree->nr);
	if (!visible)
		return error_set(err, ENOMEM, "out of memory");
	if (top->fd < 0 || fstat(top->fd, &st) < 0)
		return error_set(err, EBADMSG, "it is locked, and made of what is there");
	auto_fd dir = make_dir(tree->yard, name, err);
	struct locking l = { r, tree, top, dir, -1 };
	if (dir < 0)
		return dir;
	if ((S_ISDIR(st.st_mode) ? mkdirat(dir, MADE, 0700)
				 : mknodat(dir, MADE, S_IFREG | 0600, 0)) < 0)
		return error_sys(err, "make a place to lock mounts in");
	if (move_mount(top->fd, "", dir, MADE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_sys(err, "mount it to be locked");
	int rc = put_together(&l, top, err);
	if (rc == 0)
		rc = prepare(&l, visible, err);
	if (rc == 0)
		rc = ns_aside(clone_locked, &l, err);
	return rc < 0 ? rc : take_over(&l, visible, err);
}

int mnt_owned_lock(struct restore *r, struct mnt_tree *tree, bool late, struct error *err)
{
	char name[MNT_NAME_MAX];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->nr; i++) {
		struct mnt *m = tree->order[i];
		if (m->late != late || is_carried(m) || !userns_owner_of(r, NS_MNT, m->ns) ||
		    !needs_locks(tree, m))
			continue;
		rc = lock_one(r, tree, m, err);
		if (rc < 0)
			return error_wrap(err, rc, "%s", mnt_name(m, name));
	}
	return rc;
}

struct making {
	struct restore *r;
	uint32_t ns;
	int (*make)(void *ctx, struct error *err);
	void *ctx;
};

static int make_as_owner(void *ctx, struct error *err)
{
	const struct making *making = ctx;
	int rc = userns_enter_owner(making->r, NS_MNT, making->ns, err);
	return rc < 0 ? rc : making->make(making->ctx, err);
}

int mnt_owned_space(struct restore *r, uint32_t ns, int (*make)(void *ctx, struct error *err),
		    void *ctx, struct error *err)
{
	struct making making = { r, ns, make, ctx };
	return userns_owner_of(r, NS_MNT, ns) ? ns_aside(make_as_owner, &making, err)
					      : make(ctx, err);
}

/* Whose root is locked passes that on to what takes its place. */
static int take_seat(void *ctx, struct error *err)
{
	const struct mnt *m = ctx;
	if (fchdir(m->place) < 0 || chroot(".") < 0)
		return error_sys(err, "change to what keeps a place");
	if (move_mount(m->fd, "", AT_FDCWD, SEAT, MOVE_MOUNT_F_EMPTY_PATH) < 0 || chdir(SEAT) < 0)
		return error_sys(err, "mount it in what keeps its place");
	if (syscall(SYS_pivot_root, ".", ".") < 0 || fchdir(m->place) < 0 ||
	    umount2(".", MNT_DETACH) < 0)
		return error_sys(err, "put it in place of what keeps that");
	return 0;
}

int mnt_owned_seat(struct mnt *m, struct error *err)
{
	return ns_aside(take_seat, m, err);
}

int mnt_owned_act(struct restore *r, const struct mnt *m, struct error *err)
{
	const struct ns_nested *owner = ns_nested_find(r, NS_USER, m->e->user_ns);
	if (!owner || !owner->users)
		return error_set(err, EBADMSG, "it belongs to user namespace %u, which is missing",
				 m->e->user_ns);
	return userns_act_for(r, owner, err);
}

int mnt_owned_enter(struct restore *r, const struct mnt *m, struct error *err)
{
	int rc = mnt_owned_act(r, m, err);
	if (rc == 0 && setns(ns_nested_find(r, NS_USER, m->e->user_ns)->fd, CLONE_NEWUSER) < 0)
		rc = error_sys(err, "enter user namespace %u", m->e->user_ns);
	return rc;
}
