/* SPDX-License-Identifier: MIT
 * Groups are made with a mount of their own, which is in no namespace; it lends its group to the
 * members, and to the groups that are slaves of it.
 */
#include "engine/ns/mnt-share.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/ns/mnt-attach.h"
#include "engine/ns/mnt-make.h"

#ifndef MOVE_MOUNT_SET_GROUP
#define MOVE_MOUNT_SET_GROUP 0x00000100
#endif

static int lend(int from, int to)
{
	return move_mount(from, "", to, "",
			  MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static int propagate(int fd, uint64_t how)
{
	struct mount_attr attr = { .propagation = how };
	return mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

/* Slave of a group of the host, which what it is cut out of is in. */
static int enslave_outside(const struct mnt_source *outside, int fd, struct error *err)
{
	if (lend(outside->fd, fd) < 0)
		return error_sys(err,
				 "mount %s was a slave of a mount outside of the tree, but what "
				 "it comes from now is in no propagation group (or another part "
				 "of its file system)",
				 outside->of->e->mountpoint);
	return propagate(fd, MS_SLAVE) < 0 ? error_sys(err, "make a mount a slave") : 0;
}

/* A mount is cloned in the namespace that it is in. */
static int clone_source(const struct mnt_tree *tree, const struct mnt_source *s, struct error *err)
{
	if (s->space < 0)
		return mnt_clone(s, s->root, err);
	int rc = mnt_enter(s->space, err);
	if (rc < 0)
		return rc;
	auto_fd fd = mnt_clone(s, s->root, err);
	rc = mnt_enter(tree->workshop, fd < 0 ? NULL : err);
	return fd < 0 ? fd : rc < 0 ? rc : take_fd(fd);
}

static int make_group(const struct mnt_tree *tree, struct mnt_group *g, struct error *err)
{
	int rc = 0;
	g->fd = clone_source(tree, g->source, err);
	if (g->fd < 0)
		return g->fd;
	if (g->above && (lend(g->above->fd, g->fd) < 0 || propagate(g->fd, MS_SLAVE) < 0))
		return error_sys(err, "make propagation group %u a slave of %u", g->shared,
				 g->master);
	if (g->outside)
		rc = enslave_outside(g->outside, g->fd, err);
	if (rc == 0 && g->shared && propagate(g->fd, MS_SHARED) < 0)
		rc = error_sys(err, "make propagation group %u", g->shared);
	return rc;
}

/* Those that others are slaves of come first. */
static int make_groups(struct mnt_tree *tree, struct error *err)
{
	for (size_t left = tree->groups.nr; left > 0;) {
		for (size_t i = 0; i < tree->groups.nr; i++) {
			struct mnt_group *g = tree->groups.items[i];
			if (g->fd >= 0 || (g->above && g->above->fd < 0))
				continue;
			int rc = make_group(tree, g, err);
			if (rc < 0)
				return rc;
			left--;
		}
	}
	return 0;
}

static int join(const struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	const struct mnt_group *g = m->group;
	if (mnt_below(m->e->root, g->source->root)) {
		if (lend(g->fd, m->fd) < 0)
			return error_sys(err, "%s: join propagation group %u", mnt_name(m, name),
					 g->shared ? g->shared : g->master);
		return 0;
	}
	/* the members have nothing in common but what is outside */
	auto_fd fd = mnt_clone(m->source, m->source->root, err);
	int rc = fd < 0 ? fd : enslave_outside(m->source, fd, err);
	if (rc == 0 && lend(fd, m->fd) < 0)
		rc = error_sys(err, "%s: make it a slave", mnt_name(m, name));
	return rc;
}

int mnt_share(struct mnt_tree *tree, struct error *err)
{
	int rc = make_groups(tree, err);
	for (size_t i = 0; rc == 0 && i < tree->nr; i++)
		if (tree->items[i]->group)
			rc = join(tree->items[i], err);
	return rc;
}
