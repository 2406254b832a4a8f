/* SPDX-License-Identifier: MIT
 * Attaching mounts, each to a directory of the mount below it that was opened before anything was
 * on that. An overlay consists of directories of the tree, and is mounted once they are there.
 */
#include "engine/ns/mnt-attach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/ns/aside.h"
#include "engine/ns/mnt-make.h"
#include "engine/ns/mnt-owned.h"

int mnt_enter(int ns, struct error *err)
{
	return setns(ns, CLONE_NEWNS) < 0 ? error_sys(err, "enter a mount namespace") : 0;
}

static int open_below(int dir, const char *path, uint64_t more)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | more };
	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static int open_place(struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	const char *path = mnt_place(m);
	uint64_t stay = m->parent->fs->traits & FS_DEMAND ? 0 : RESOLVE_NO_XDEV;
	m->place = *path ? open_below(m->parent->fd, path, stay)
			 : fcntl(m->parent->fd, F_DUPFD_CLOEXEC, 3);
	if (m->place >= 0)
		return 0;
	return error_sys(err, "%s: %s is to be mounted on and cannot be opened", mnt_name(m, name),
			 path);
}

/* It is there: now the places on it. */
static int note_one(struct mnt_tree *tree, struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	int rc = 0;
	m->attached = true;
	fd_close(m->place);
	m->place = -1;
	for (size_t i = 0; rc == 0 && i < tree->nr; i++) {
		struct mnt *on = tree->items[i];
		if (on->parent != m || on->carried || on->seated)
			continue;
		rc = m->fd < 0 ? error_set(err, EBADMSG,
					   "%s is on one that is hidden by one that is locked",
					   mnt_name(on, name))
			       : open_place(on, err);
	}
	return rc;
}

static bool comes_with(const struct mnt *m, const struct mnt *with)
{
	while (m != with && m && m->carried)
		m = m->parent;
	return m == with;
}

/* And those that are locked to it. */
static int note_attached(struct mnt_tree *tree, struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < tree->nr; i++) {
		struct mnt *c = tree->order[i];
		if (!comes_with(c, m))
			continue;
		if (c->fd >= 0 && (c->carried || c->e->locked_flags) &&
		    (rc = mnt_set_flags(c->fd, c->e->flags & ~(uint32_t)MS_RDONLY)) < 0)
			return error_code(err, rc, "%s: set its flags", mnt_name(c, name));
		rc = note_one(tree, c, err);
	}
	return rc;
}

static int attach(struct mnt_tree *tree, struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	int rc = m->seated ? mnt_owned_seat(m, err) : 0;
	if (rc < 0)
		return error_wrap(err, rc, "%s", mnt_name(m, name));
	if (m->parent && !m->seated &&
	    move_mount(m->fd, "", m->place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
		0)
		return error_sys(err, "%s: mount it", mnt_name(m, name));
	return note_attached(tree, m, err);
}

struct mounting {
	struct restore *r;
	const struct mnt *m;
};

static int mount_in_place(void *ctx, struct error *err)
{
	const struct mounting *on = ctx;
	bool inside = on->m->source->of->e->has_user_ns;
	int rc = inside ? mnt_owned_enter(on->r, on->m->source->of, err) : 0;
	if (rc == 0 && fchdir(on->m->place) < 0)
		rc = error_sys(err, "change to %s", on->m->e->mountpoint);
	return rc < 0 ? rc : mnt_mount(on->r, on->m->source, ".", err);
}

/* Mount one in its place, where its options mean what they meant, and cut the others out of it. */
static int make_inside(struct restore *r, struct mnt_tree *tree, struct mnt *m, struct error *err)
{
	char name[MNT_NAME_MAX];
	struct mnt_source *s = m->source;
	int rc = ns_aside(mount_in_place, &(struct mounting){ r, m }, err);
	if (rc < 0)
		return error_wrap(err, rc, "%s", mnt_name(m, name));
	m->fd = open_below(m->parent->fd, *mnt_place(m) ? mnt_place(m) : ".", 0);
	s->fd = m->fd < 0 ? -1 : fcntl(m->fd, F_DUPFD_CLOEXEC, 3);
	if (s->fd < 0)
		return error_sys(err, "open %s", m->e->mountpoint);
	s->space = mnt_tree_space(tree, m->ns)->fd;
	rc = mnt_set_flags(m->fd, (m->e->flags & ~(uint32_t)MS_RDONLY) | MS_PRIVATE);
	if (rc < 0)
		return error_code(err, rc, "%s: set its flags", mnt_name(m, name));
	rc = mnt_cut_of(tree, s, err);
	return rc < 0 ? rc : note_attached(tree, m, err);
}

/* How often something was attached. What lacks is told once nothing goes any more. */
struct progress {
	size_t done, waiting;
	struct error why;
};

static int try_one(struct restore *r, struct mnt_tree *tree, struct mnt *m, struct progress *p,
		   struct error *err)
{
	int rc;
	if (m->fd >= 0) {
		rc = attach(tree, m, err);
	} else if (m->source->of == m) {
		rc = make_inside(r, tree, m, &p->why);
		if (rc == -ENOENT) {
			p->waiting++;
			return 0;
		}
		if (rc < 0)
			return error_set(err, rc, "%s", p->why.text);
	} else {
		p->waiting++;
		return 0;
	}
	p->done++;
	return rc;
}

static int try_space(struct restore *r, struct mnt_tree *tree, const struct mnt_space *space,
		     bool late, struct progress *p, struct error *err)
{
	int rc = mnt_enter(space->fd, err);
	for (size_t i = 0; rc == 0 && i < tree->nr; i++) {
		struct mnt *m = tree->order[i];
		if (m->ns == space->id && m->late == late && !m->attached &&
		    (!m->parent || m->parent->attached))
			rc = try_one(r, tree, m, p, err);
	}
	return rc;
}

/* What is not in the tree may be on the host, as whoever made the tree may have mounted it. */
static int make_from_host(struct restore *r, struct mnt_tree *tree, struct progress *p,
			  struct error *err)
{
	char text[sizeof(p->why.text)];
	__builtin_memcpy(text, p->why.text, sizeof(text));
	int rc = mnt_enter(tree->workshop, err);
	for (size_t i = 0; rc == 0 && i < tree->sources.nr; i++) {
		struct mnt_source *s = tree->sources.items[i];
		if (!s->inside || s->fd >= 0)
			continue;
		rc = mnt_make_source(r, tree, s, &p->why);
		if (rc < 0)
			return error_set(err, rc, "%s; on the host: %s", text, p->why.text);
		rc = mnt_cut_of(tree, s, err);
	}
	return rc;
}

int mnt_attach(struct restore *r, struct mnt_tree *tree, bool late, struct error *err)
{
	struct progress p;
	int rc = 0;
	do {
		p = (struct progress){ 0 };
		for (size_t i = 0; rc == 0 && i < tree->spaces.nr; i++)
			rc = try_space(r, tree, &tree->spaces.items[i], late, &p, err);
		if (rc == 0 && p.waiting && !p.done) {
			rc = make_from_host(r, tree, &p, err);
			p.done = 1;
		}
	} while (rc == 0 && p.waiting && p.done);
	return rc;
}
