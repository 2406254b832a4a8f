/* SPDX-License-Identifier: MIT
 * To be somebody else for one system call takes a process: one thread has the user and groups of
 * its own, but its pid is that of the whole. The kernel goes on to tell a pid when the process is
 * gone.
 */
#include "engine/net/unix-cred.h"

#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/pid-limit.h"
#include "engine/context/shortage.h"
#include "engine/ns/ns.h"
#include "engine/ns/user.h"
#include "engine/pie/clone.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59 /* Linux 4.13 */
#endif
#define STACK_SIZE (256 * 1024)

static int new_entry(uint32_t uid, uint32_t gid, uint32_t pid, size_t nr, UnixCredEntry **out,
		     struct error *err)
{
	UnixCredEntry *e = malloc(sizeof(*e));
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	unix_cred_entry__init(e);
	*out = e; /* the socket's entry owns it from here on */
	e->uid = uid;
	e->gid = gid;
	e->has_pid = pid != 0;
	e->pid = pid;
	e->groups = calloc(nr + 1, sizeof(*e->groups));
	return e->groups ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* As the tree sees it; 0: it does not. */
static uint32_t pid_inside(const struct dump *d, pid_t pid)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i]->pid == pid)
			return (uint32_t)d->tasks[i]->vpid;
	return ns_is_apart(d, NS_PID) ? 0 : (uint32_t)pid;
}

int unix_cred_peer(const struct dump *d, int fd, UnixCredEntry **out, struct error *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer), groups_len = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid == (uid_t)-1)
		return 0;
	getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &groups_len); /* tells how much it wants */
	size_t nr = groups_len / sizeof(gid_t);
	int rc = new_entry(id_inside(d->users, ID_USER, peer.uid),
			   id_inside(d->users, ID_GROUP, peer.gid), pid_inside(d, peer.pid), nr,
			   out, err);
	UnixCredEntry *e = *out;
	if (rc < 0 || !nr || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, e->groups, &groups_len) < 0)
		return rc;
	for (size_t i = 0; i < nr; i++)
		e->groups[i] = id_inside(d->users, ID_GROUP, e->groups[i]);
	e->n_groups = nr;
	return 0;
}

int unix_cred_task(const struct open_file *f, UnixCredEntry **out, struct error *err)
{
	const struct task *t = f->task;
	if (!t->nr_threads)
		return 0; /* on its way in a queue */
	const struct proc_status *st = &t->threads[0].status;
	int rc = new_entry(st->uids[1], st->gids[1], (uint32_t)t->vpid, st->nr_groups, out, err);
	if (rc < 0)
		return rc;
	if (st->nr_groups)
		memcpy((*out)->groups, st->groups, st->nr_groups * sizeof(*st->groups));
	(*out)->n_groups = st->nr_groups;
	return 0;
}

/* Restore. */

int unix_cred_check(const UnixCredEntry *e, struct error *err)
{
	if (!e || (e->pid <= PID_LIMIT && e->n_groups <= NGROUPS_MAX))
		return 0;
	return error_set(err, EBADMSG, "unix socket with pid %u in %zu groups as its peer", e->pid,
			 e->n_groups);
}

struct doing {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t nr_groups;
	pid_t pid; /* 0: any */
	int (*act)(void *arg, struct error *err);
	void *arg;
	struct error *err;
	int rc;
};

static bool is_already(const struct doing *d)
{
	int nr = getgroups(0, NULL);
	if (geteuid() != d->uid || getegid() != d->gid || nr != (int)d->nr_groups)
		return false;
	auto_free gid_t *own = calloc((size_t)nr + 1, sizeof(*own));
	return own && getgroups(nr, own) == nr &&
	       !memcmp(own, d->groups, (size_t)nr * sizeof(*own));
}

/* Not through libc, which would change the user of all threads it knows. */
static int become(const struct doing *d, struct error *err)
{
	if (is_already(d))
		return 0;
	if (syscall(SYS_setgroups, d->nr_groups, d->groups) < 0 ||
	    syscall(SYS_setresgid, -1, d->gid, -1) < 0 ||
	    syscall(SYS_setresuid, -1, d->uid, -1) < 0)
		return error_sys(err, "be user %u and group %u", d->uid, d->gid);
	return userns_raise_capabilities(err);
}

static void run(void *ctx)
{
	struct doing *d = ctx;
	struct error why;
	if (become(d, &why) < 0)
		log_warn("a unix socket will name another peer than before: %s", why.text);
	d->rc = d->act(d->arg, d->err);
	prctl(PR_SET_DUMPABLE, 1); /* the memory is that of the restore */
	_exit(0);
}

/* This one waits, as that one uses its memory. @param pid  what it is to have; 0: any */
static long start(struct doing *d, pid_t pid, char *stack)
{
	const struct clone_args ca = { .flags = CLONE_VM | CLONE_VFORK | CLONE_FILES,
				       .stack = (uintptr_t)stack,
				       .stack_size = STACK_SIZE,
				       .set_tid = pid ? (uintptr_t)&pid : 0,
				       .set_tid_size = pid ? 1 : 0 };
	return clone_onto_stack(&ca, run, d);
}

static int finish(const struct doing *d, long pid, struct error *err)
{
	int status = 0;
	if (pid < 0)
		return error_code(err, (int)pid, "create a process%s", shortage_of_tasks((int)pid));
	while (waitpid((pid_t)pid, &status, __WALL) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status)
		   ? error_set(err, ECHILD, "a process of the restore was killed (signal %d)",
			       WTERMSIG(status))
		   : d->rc;
}

static int do_it(struct doing *d, struct error *err)
{
	char *stack = malloc(STACK_SIZE);
	if (!stack)
		return error_set(err, ENOMEM, "out of memory");
	long pid = d->pid ? start(d, d->pid, stack) : -EEXIST;
	/* somebody has it, or none can be chosen here */
	bool alone = pid < 0 && is_already(d);
	if (pid < 0 && !alone)
		pid = start(d, 0, stack);
	int rc = alone ? d->act(d->arg, err) : finish(d, pid, err);
	free(stack);
	return rc;
}

int unix_cred_act(const struct restore *r, const UnixCredEntry *who,
		  int (*act)(void *arg, struct error *err), void *arg, struct error *err)
{
	if (!who)
		return act(arg, err);
	auto_free gid_t *groups = calloc(who->n_groups + 1, sizeof(*groups));
	if (!groups)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < who->n_groups; i++)
		groups[i] = id_outside(r->users, ID_GROUP, who->groups[i]);
	struct doing d = {
		.uid = id_outside(r->users, ID_USER, who->uid),
		.gid = id_outside(r->users, ID_GROUP, who->gid),
		.groups = groups,
		.nr_groups = who->n_groups,
		.pid =
		    who->has_pid && who->pid > 1 && !ns_restores(r, NS_PID) ? (pid_t)who->pid : 0,
		.act = act,
		.arg = arg,
		.err = err,
	};
	return do_it(&d, err);
}
