/* SPDX-License-Identifier: MIT
 * Pid namespaces whose tasks are dead, both directions. Who is to be pid 1 of one is born, and ends
 * when those inside of it are made.
 */
#include "engine/ns/pid-held.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/file.h"
#include "engine/ns/aside.h"
#include "engine/ns/pid.h"
#include "engine/ns/set.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "images/writer.h"
#include "namespaces.pb-c.h"

#define LEVELS 32 /* the kernel nests no deeper */

/* The link is there from the birth of its pid 1 on, and stays. */
static int look_from_outside(void *ctx, struct error *err)
{
	char link[32];
	if (setns(*(const int *)ctx, CLONE_NEWPID) < 0)
		return error_sys(err, "enter it");
	return readlinkat(procfs_fd(), "self/ns/pid_for_children", link, sizeof(link)) < 0 ? 1 : 0;
}

int pid_held_check(int fd, const char *what, struct error *err)
{
	int rc = ns_aside(look_from_outside, &fd, err);
	if (rc <= 0)
		return rc < 0 ? error_wrap(err, rc, "%s", what) : 0;
	return error_set(err, ENOTSUP,
			 "%s leads to a pid namespace that nobody was born into yet: not "
			 "supported; close it before the dump",
			 what);
}

static bool is_for_children(const struct dump *d, uint32_t id)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i]->children_apart && d->tasks[i]->children_ns == id)
			return true;
	return false;
}

int pid_held_dump(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	PidnsEntry e = PIDNS_ENTRY__INIT;
	struct stat st;
	if (ns->member || ns->own)
		return pidns_dump_limits(d, ns, err);
	auto_fd around = ioctl(ns->fd, NS_GET_PARENT);
	if (around < 0 || fstat(around, &st) < 0)
		return error_sys(err, "find what is around it");
	const struct ns_seen *seen = ns_find(d, NS_PID, st.st_ino);
	if (seen && !seen->member && is_for_children(d, seen->id))
		return error_set(err, ENOTSUP,
				 "it is inside of one that a task would bear its children into: "
				 "not supported; close it before the dump");
	e.has_parent_ns = true;
	e.parent_ns = seen ? seen->id : 0;
	return image_write_one(d->images_fd, IMG_PIDNS, ns->id, &e.base, err);
}

/* Restore. */

static struct ns_dead *find(const struct restore *r, uint32_t id)
{
	for (size_t i = 0; i < r->ns->dead.nr; i++)
		if (r->ns->dead.items[i].id == id)
			return &r->ns->dead.items[i];
	return NULL;
}

/* Somebody of it is among the tasks. @return NULL: nobody is */
static const struct rtask *member_of(const struct restore *r, uint32_t id)
{
	const struct rtask *t = ns_inhabitant(r, NS_PID, id);
	return t ? t : pidns_init(r, id);
}

static int load(struct restore *r, uint32_t id, int depth, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	if (depth > LEVELS)
		return error_set(err, EBADMSG, "pidns-%u.img: more than %d are inside of it", id,
				 LEVELS);
	if (member_of(r, id) || find(r, id))
		return 0;
	int rc = image_read_one(r->images, IMG_PIDNS, id, &msg, err);
	if (rc < 0)
		return rc;
	const PidnsEntry *e = (const PidnsEntry *)msg;
	if (!e->has_parent_ns || e->parent_ns >= id) /* so there are no circles */
		return error_set(err, EBADMSG, "pidns-%u.img does not tell what is around it", id);
	rc = load(r, e->parent_ns, depth + 1, err);
	struct ns_dead *dead = rc < 0 ? NULL : array_add(&r->ns->dead);
	if (!dead)
		return rc < 0 ? rc : error_set(err, ENOMEM, "out of memory");
	*dead = (struct ns_dead){ id, e->parent_ns, NULL, -1 };
	return 0;
}

int pid_held_load(struct restore *r, uint32_t id, struct error *err)
{
	return load(r, id, 0, err);
}

int pid_held_load_children(struct restore *r, struct rtask *t, struct error *err)
{
	int rc = t->children_apart && t->children_ns ? pid_held_load(r, t->children_ns, err) : 0;
	struct ns_dead *dead = rc < 0 || !t->children_apart ? NULL : find(r, t->children_ns);
	if (dead && (dead->maker || !member_of(r, dead->around)))
		rc = error_set(err, EBADMSG, "pid namespace %u cannot be made by it", dead->id);
	else if (dead)
		dead->maker = t;
	t->children_dead = dead != NULL;
	return rc < 0 ? error_wrap(err, rc, TASK_FMT ": its children", RTASK_ARGS(t)) : 0;
}

struct making {
	struct restore *r;
	struct ns_dead *ns;
	int into; /* what is around it; -1: this process is there */
};

static int make_one(void *ctx, struct error *err);

/* As pid 1: it lives as long as those inside of it are made. */
static int inhabit(void *ctx, struct error *err)
{
	const struct making *m = ctx;
	m->ns->fd = procfs_open("self/ns/pid", O_RDONLY);
	int rc = m->ns->fd < 0 ? error_sys(err, "open /proc/self/ns/pid") : 0;
	for (size_t i = 0; rc == 0 && i < m->r->ns->dead.nr; i++) {
		struct making inside = { m->r, &m->r->ns->dead.items[i], -1 };
		if (inside.ns->around == m->ns->id)
			rc = ns_aside(make_one, &inside, err);
	}
	return rc;
}

/* In what is around it. */
static int make_one(void *ctx, struct error *err)
{
	const struct making *m = ctx;
	return unshare(CLONE_NEWPID) < 0 ? error_sys(err, "make pid namespace %u", m->ns->id)
					 : ns_aside(inhabit, ctx, err);
}

static int go_and_make(void *ctx, struct error *err)
{
	const struct making *m = ctx;
	if (setns(m->into, CLONE_NEWPID) < 0)
		return error_sys(err, "enter what is around pid namespace %u", m->ns->id);
	if (m->r->ns->user_fd >= 0 && setns(m->r->ns->user_fd, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter the user namespace of the tree");
	return ns_aside(make_one, ctx, err);
}

static int open_of(const struct restore *r, const struct rtask *t, const char *link,
		   struct error *err)
{
	char path[48];
	snprintf(path, sizeof(path), "%d/ns/%s", r->shared->slots[t->slot].real, link);
	int fd = procfs_open(path, O_RDONLY);
	return fd < 0 ? error_sys(err, "open /proc/%s", path) : fd;
}

/* Those inside of a dead one are made with that. */
static int make_outer(struct restore *r, struct ns_dead *ns, struct error *err)
{
	const struct rtask *member = member_of(r, ns->around);
	if (!member)
		return 0;
	if (ns->maker)
		return (ns->fd = open_of(r, ns->maker, "pid_for_children", err)) < 0 ? ns->fd : 0;
	auto_fd into = open_of(r, member, "pid", err);
	struct making making = { r, ns, into };
	return into < 0 ? into : ns_aside(go_and_make, &making, err);
}

int pid_held_open(struct restore *r, uint32_t id, int flags, struct error *err)
{
	const struct ns_dead *ns = find(r, id);
	int rc = 0;
	for (size_t i = 0; rc == 0 && ns && ns->fd < 0 && i < r->ns->dead.nr; i++)
		rc = make_outer(r, &r->ns->dead.items[i], err);
	if (rc < 0)
		return rc;
	int fd = ns ? procfs_reopen(ns->fd, flags) : -1;
	return fd < 0 ? error_sys(err, "open pid namespace %u", id) : fd;
}

int pid_held_make_own(struct error *err)
{
	struct clone_args ca = { 0 }; /* nobody is told of its end */
	if (unshare(CLONE_NEWPID) < 0)
		return error_sys(err, "make a pid namespace");
	pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid == 0)
		_exit(0);
	while (pid > 0 && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return pid < 0 ? error_sys(err, "create the pid 1 of a pid namespace") : 0;
}

void pid_held_free(struct ns_set *set)
{
	for (size_t i = 0; i < set->dead.nr; i++)
		fd_close(set->dead.items[i].fd);
	free(set->dead.items);
}
