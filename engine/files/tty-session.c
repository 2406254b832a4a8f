/* SPDX-License-Identifier: MIT
 * Controlling terminals: which session has which, who is in the foreground, what /dev/tty means.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/tty.h"
#include "engine/ns/pid.h"

#ifndef TIOCGDEV
#define TIOCGDEV _IOR('T', 0x32, unsigned int)
#endif

/* Dump. */

static bool has_left(const struct task *t)
{
	return t->state == TASK_ZOMBIE;
}

/* The device number a task's controlling terminal would have, as /proc tells it. */
static uint32_t device_of(const struct tty_seen *s)
{
	return (uint32_t)(s->kind->master ? makedev(136, s->index) : s->rdev);
}

static const struct task *session_leader(const struct dump *d, pid_t sid)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i]->vpid == sid && !has_left(d->tasks[i]))
			return d->tasks[i];
	return NULL;
}

/* A group as the tree knows it. */
static pid_t group_inside(const struct dump *d, pid_t pgrp)
{
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i]->stat.pgid == pgrp)
			return d->tasks[i]->pgid;
	return pgrp;
}

/* Through a master anybody may ask; otherwise only who is in the session knows. */
static void find_session(const struct dump *d, struct tty_seen *s)
{
	const struct tty_seen *side =
	    s->kind->type == TTY_TYPE__PTY ? tty_seen_side(&d->files->ttys, s->index, true) : NULL;
	pid_t sid = 0;
	if (side && ioctl(side->fd, TIOCGSID, &sid) < 0)
		return;
	for (size_t i = 0; i < d->nr_tasks; i++) {
		const struct task *t = d->tasks[i];
		if (has_left(t) || (uint32_t)t->stat.tty_nr != device_of(s) ||
		    (side && t->stat.sid != sid))
			continue;
		s->sid = t->sid;
		s->pgrp = t->stat.tpgid > 0 ? group_inside(d, t->stat.tpgid) : 0;
		s->foreign = !session_leader(d, s->sid);
		return;
	}
	if (side) { /* nobody of the tree is in it */
		s->sid = sid;
		s->foreign = true;
	}
}

static bool is_outside(const struct tty_table *t, const struct tty_seen *s)
{
	return s->kind->type == TTY_TYPE__PTY && !s->kind->master && !s->hungup &&
	       !tty_seen_side(t, s->index, true);
}

static int check_pair(const struct dump *d, const struct tty_seen *s, const struct tty_seen *other,
		      struct error *err)
{
	char name[48];
	if (s->hungup && tty_seen_side(&d->files->ttys, s->index, true))
		return error_set(err, ENOTSUP,
				 "%s: terminal %s was hung up (vhangup) while its master is open: "
				 "not supported yet; close it before the dump",
				 s->holder, s->path);
	if (!is_outside(&d->files->ttys, s))
		return 0;
	if (!d->opts->shell_job && !d->opts->orphan_pts_master)
		return error_set(
		    err, EINVAL,
		    "%s is the terminal %s, whose other end is held outside of the tree: use "
		    "--shell-job to go on in the restorer's terminal, or --external %s and hand "
		    "one over with --inherit-fd",
		    s->holder, s->path, tty_external_name(s->rdev, s->dev, name, sizeof(name)));
	if (other)
		return error_set(err, EINVAL,
				 "%s is the terminal %s, %s the terminal %s, both held outside of "
				 "the tree: there is one terminal to give",
				 other->holder, other->path, s->holder, s->path);
	return 0;
}

/* A session needs its leader to get its terminal back. */
static int check_leader(const struct dump *d, const struct tty_seen *s, struct error *err)
{
	if (!s->sid || !s->foreign || s->kind->type == TTY_TYPE__CTTY)
		return 0;
	if (!d->opts->shell_job)
		return error_set(err, EINVAL,
				 "%s is the terminal %s of session %d, whose leader is outside of "
				 "the tree: start the program with setsid, or use --shell-job",
				 s->holder, s->path, s->sid);
	if (!is_outside(&d->files->ttys, s))
		log_warn("%s: terminal %s will control no session: the leader of session %d is "
			 "outside of the tree",
			 s->holder, s->path, s->sid);
	return 0;
}

/* /dev/tty is another name of some terminal; which one the kernel tells. */
static int check_current(const struct dump *d, struct tty_seen *s, struct error *err)
{
	unsigned int real = 0;
	if (s->kind->type != TTY_TYPE__CTTY)
		return 0;
	if (ioctl(s->fd, TIOCGDEV, &real) < 0)
		return error_sys(err, "%s: which terminal %s is", s->holder, s->path);
	for (size_t i = 0; i < d->nr_tasks; i++) {
		const struct task *t = d->tasks[i];
		if (has_left(t) || (uint32_t)t->stat.tty_nr != real)
			continue;
		s->sid = t->sid;
		s->pgrp = t->stat.tpgid > 0 ? group_inside(d, t->stat.tpgid) : 0;
		s->foreign = !session_leader(d, s->sid);
		return 0;
	}
	return error_set(err, ENOTSUP,
			 "%s is %s, which stands for terminal %u:%u, which no session of the tree "
			 "has: not supported yet; close it before the dump",
			 s->holder, s->path, major(real), minor(real));
}

static bool is_seen(const struct tty_table *t, uint32_t device)
{
	for (size_t i = 0; i < t->nr; i++)
		if (device_of(&t->items[i]) == device && !t->items[i].hungup)
			return true;
	return false;
}

/* A terminal that only the session remembers. */
static int check_task(const struct dump *d, const struct task *t, struct error *err)
{
	if (has_left(t) || !t->stat.tty_nr || t->sid != t->vpid)
		return 0;
	const struct tty_table *seen = &d->files->ttys;
	bool known = is_seen(seen, (uint32_t)t->stat.tty_nr);
	for (size_t i = 0; i < seen->nr && known; i++)
		if (device_of(&seen->items[i]) == (uint32_t)t->stat.tty_nr &&
		    (d->opts->orphan_pts_master || !is_outside(seen, &seen->items[i])))
			return 0;
	if (d->opts->shell_job) {
		log_warn("pid %d (%s): its session will have no controlling terminal: terminal "
			 "%u:%u is held outside of the tree",
			 t->pid, t->stat.comm, major((dev_t)t->stat.tty_nr),
			 minor((dev_t)t->stat.tty_nr));
		return 0;
	}
	return error_set(err, EINVAL,
			 "pid %d (%s): its controlling terminal %u:%u is held outside of the tree: "
			 "start it with setsid, or use --shell-job to restore it without",
			 t->pid, t->stat.comm, major((dev_t)t->stat.tty_nr),
			 minor((dev_t)t->stat.tty_nr));
}

int tty_sessions_collect(struct dump *d, struct error *err)
{
	struct tty_table *t = &d->files->ttys;
	const struct tty_seen *outside = NULL;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < t->nr; i++) {
		struct tty_seen *s = &t->items[i];
		if (s->kind->type != TTY_TYPE__CTTY && !s->hungup)
			find_session(d, s);
		if ((rc = check_pair(d, s, outside, err)) == 0 &&
		    (rc = check_current(d, s, err)) == 0)
			rc = check_leader(d, s, err);
		if (is_outside(t, s))
			outside = s;
	}
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		rc = check_task(d, d->tasks[i], err);
	return rc;
}

/* Restore. */

/* The terminal that controls a session; NULL: none. */
static struct tty *terminal_of(const struct tty_set *set, uint32_t sid)
{
	for (size_t i = 0; sid && i < set->nr; i++) {
		struct tty *t = &set->items[i];
		bool has = t->type != TTY_TYPE__CTTY && !tty_is_hung(t) && tty_info(t)->sid == sid;
		if (has && (t->master_file || t->slave_file))
			return t;
	}
	return NULL;
}

int files_take_terminal(struct restore *r, const struct rtask *task, struct error *err)
{
	char name[64];
	const struct tty *t = terminal_of(&r->files->ttys, (uint32_t)task->sid);
	if (!t || t->outside || t->control < 0)
		return 0;
	if (ioctl(t->control, TIOCSCTTY, 0) == 0)
		return 0;
	return error_sys(err,
			 "task %d: make %s its controlling terminal (does another session have it "
			 "by now?)",
			 task->pid, tty_name(r, t, name, sizeof(name)));
}

static bool is_group(const struct restore *r, pid_t pgrp, pid_t sid)
{
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (r->tasks[i]->pgid == pgrp && r->tasks[i]->sid == sid)
			return true;
	return false;
}

static const struct tty *outside_terminal(const struct restore *r)
{
	for (size_t i = 0; i < r->files->ttys.nr; i++)
		if (r->files->ttys.items[i].outside)
			return &r->files->ttys.items[i];
	return NULL;
}

int files_set_foreground(struct restore *r, const struct rtask *task, struct error *err)
{
	char name[64];
	const struct tty *t = NULL;
	pid_t group = 0;
	if (task->sid == task->pid) {
		t = terminal_of(&r->files->ttys, (uint32_t)task->sid);
		/* a group that had ended by the dump was the foreground all the same */
		if (t && !t->outside && is_group(r, (pid_t)tty_info(t)->pgrp, task->sid))
			group = (pid_t)tty_info(t)->pgrp;
	} else if (task == r->root && task->pgid == task->pid) {
		/* keys of the terminal it joins go to the tree, as they would from a shell */
		t = outside_terminal(r);
		group = task->pgid;
	}
	if (!t || !group || t->control < 0)
		return 0;
	pid_t own = pidns_group(r, task, group);
	if (ioctl(t->control, TIOCSPGRP, &own) == 0)
		return 0;
	return error_sys(err, "task %d: put group %d into the foreground of terminal %s", task->pid,
			 group, tty_name(r, t, name, sizeof(name)));
}

/* In a process that shares our descriptors and exists for this: the terminal is its own now. */
static _Noreturn void open_as_leader(int terminal, const char *path, int flags, int place)
{
	signal(SIGHUP, SIG_IGN);
	if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) < 0)
		_exit(errno);
	int fd = open(path, flags);
	if (fd < 0 || dup3(fd, place, O_CLOEXEC) < 0)
		_exit(errno);
	close(fd);
	/* the session goes, the terminal stays as it is */
	_exit(ioctl(terminal, TIOCNOTTY) < 0 ? errno : 0);
}

/* @return a descriptor of /dev/tty that means this terminal */
static int open_through(int terminal, const char *path, int flags, struct error *err)
{
	auto_fd place = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (place < 0)
		return error_sys(err, "open /dev/null");
	struct clone_args ca = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid == 0)
		open_as_leader(terminal, path, flags, place);
	int status = 0;
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_sys(err, "wait for a helper");
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		return error_code(err,
				  pid < 0             ? errno
				  : WIFEXITED(status) ? WEXITSTATUS(status)
						      : EIO,
				  "open %s", path);
	return take_fd(place);
}

int tty_open_current(struct restore *r, const FileEntry *e, struct error *err)
{
	char user[64];
	const RegFileEntry *reg = tty_reg(r, e->tty);
	const struct rtask *holder = file_set_holder(r, e->id);
	const struct tty *t = terminal_of(&r->files->ttys, holder ? (uint32_t)holder->sid : 0);
	int flags = (int)(e->tty->flags & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC;
	if (holder && !t && r->opts->shell_job) {
		int fd = open(reg->name, flags);
		return fd < 0 ? error_sys(err, "open %s of the restorer", reg->name) : fd;
	}
	if (!t)
		return error_set(err, EBADMSG,
				 "%s is %s, but no terminal of tty-info.img is that of its session",
				 file_set_user(r, e->id, user, sizeof(user)), reg->name);
	int rc = t->type == TTY_TYPE__PTY ? pty_make_all(r, err) : 0;
	if (rc == 0 && t->control < 0 && t->slave_file)
		rc = files_get(r, t->slave_file->id, err);
	if (rc < 0)
		return rc;
	if (t->outside) {
		int fd = open(reg->name, flags);
		return fd < 0 ? error_sys(err, "open %s of the restorer", reg->name) : fd;
	}
	return open_through(t->control, reg->name, flags, err);
}
