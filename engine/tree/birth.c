/* SPDX-License-Identifier: MIT
 * Tasks bear each other as planned, find their sessions and groups, and become what the images
 * say. Everything here but birth_root() runs in the tasks.
 */
#include "engine/tree/birth.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "engine/files/file.h"
#include "engine/mem/mem.h"
#include "engine/ns/ns.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"
#include "engine/tree/adopt.h"
#include "engine/tree/become.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/real-ids.h"
#include "engine/tree/share.h"
#include "engine/tree/stage.h"
#include "engine/tree/taken-ids.h"

#define DEAD_TRIES  300   /* ms to wait for a pid whose holder is dead already */
#define DYING_TRIES 10000 /* ms to wait for one that is being killed */
#define ANY_TRIES   1000  /* numbers to try for who may have any */
#define ANY_FIRST   300   /* the kernel's first when numbers start over, RESERVED_PIDS */

/* Who has a pid that a task needs. */
static int pid_taken(pid_t pid, struct error *err)
{
	char holder[PID_HOLDER_MAX];
	return error_set(
	    err, EEXIST,
	    "pid %d is taken by %s: end it, or restore in a new pid namespace (or with "
	    "--remap-pids)",
	    pid, pid_holder(pid, holder));
}

/* @param flags  for the root, CLONE_NEWPID where it had its own */
static pid_t clone_with_pid(pid_t pid, uint64_t flags, bool sibling)
{
	struct clone_args ca = {
		.flags = flags | (sibling ? CLONE_PARENT : 0),
		.exit_signal = sibling ? 0 : SIGCHLD, /* a sibling takes its bearer's */
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	return (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
}

static _Noreturn void live(struct restore *r, size_t index);

/* Another number for a helper when its own is taken. */
static pid_t clone_with_any_pid(struct birth *b)
{
	pid_t pid = clone_with_pid(b->pid, 0, false);
	for (int i = 0; i < ANY_TRIES && pid < 0 && (errno == EEXIST || errno == EINVAL); i++) {
		b->pid = errno == EINVAL ? ANY_FIRST : b->pid + 1; /* above pid_max */
		pid = clone_with_pid(b->pid, 0, false);
	}
	return pid;
}

static int bear(struct restore *r, size_t index, bool sibling, struct error *err)
{
	struct birth *b = &r->plan->items[index];
	pid_t want = b->pid;
	bool apart = ns_restores(r, NS_PID);
	uint64_t flags = (apart && index == 0 ? CLONE_NEWPID : 0) | share_flags(r, index);
	pid_t pid = b->any_pid ? clone_with_any_pid(b) : clone_with_pid(want, flags, sibling);
	for (int i = 0, dead = 0; pid < 0 && errno == EEXIST && !apart; i++) {
		bool wait = proc_is_dead(want) ? dead++ < DEAD_TRIES
					       : i < DYING_TRIES && proc_is_dying(want);
		if (!wait)
			return pid_taken(want, err);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		pid = clone_with_pid(want, flags, sibling);
	}
	if (pid == 0)
		live(r, index);
	if (pid < 0 && errno == EPERM)
		return error_set(err, EPERM,
				 "pid %d cannot be chosen: it needs CAP_CHECKPOINT_RESTORE or "
				 "CAP_SYS_ADMIN",
				 want);
	if (pid < 0 && errno == EINVAL)
		return error_set(err, EINVAL,
				 "pid %d cannot be chosen: it is above /proc/sys/kernel/pid_max, "
				 "or the kernel is older than 5.5",
				 want);
	if (pid < 0)
		return error_sys(err, "create task %d", want);
	r->shared->slots[index].born = 1;
	if (!apart || index == 0)
		r->shared->slots[index].real = pid;
	return 0;
}

/* In a user namespace the root is born by a process that enters it for that, and ends. */
static _Noreturn void bear_inside(struct restore *r)
{
	struct error err = { 0 };
	int rc = ns_enter_user(r, &err);
	if (rc == 0)
		rc = bear(r, 0, true, &err);
	if (rc < 0)
		stage_fail(r->shared, &err);
	_exit(0);
}

static int bear_root_inside(struct restore *r, struct error *err)
{
	struct clone_args ca = {
		.flags = r->opts->restore_sibling ? CLONE_PARENT : 0,
		.exit_signal = r->opts->restore_sibling ? 0 : SIGCHLD,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid == 0)
		bear_inside(r);
	if (pid < 0)
		return error_sys(err, "create a process");
	while (!r->opts->restore_sibling && waitpid(pid, NULL, 0) < 0)
		if (errno != EINTR)
			return error_sys(err, "wait for a process");
	return 0;
}

int birth_root(struct restore *r, struct error *err)
{
	return r->users ? bear_root_inside(r, err) : bear(r, 0, r->opts->restore_sibling, err);
}

static int bear_planned(struct restore *r, size_t by, bool early, struct error *err)
{
	for (size_t i = 0; i < r->plan->nr; i++) {
		const struct birth *b = &r->plan->items[i];
		if (b->by != by || b->early != early)
			continue;
		int rc = bear(r, i, b->sibling, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* STAGE_BIRTH: memory before children, as they share it; children before or after setsid(). */
static int be_born(struct restore *r, size_t index, struct error *err)
{
	const struct birth *b = &r->plan->items[index];
	int rc = birth_is_mortal(b) ? 0 : mem_premap(r, b->task, err);
	if (rc == 0)
		rc = bear_planned(r, index, true, err);
	if (rc < 0)
		return rc;
	if (b->sid == b->pid && setsid() < 0)
		return error_sys(err, "task %d: make its session", b->pid);
	if (b->sid == b->pid && !birth_is_mortal(b) &&
	    (rc = files_take_terminal(r, b->task, err)) < 0)
		return rc;
	if (b->sid != b->pid && b->pgid == b->pid && setpgid(0, 0) < 0)
		return error_sys(err, "task %d: make its process group", b->pid);
	return bear_planned(r, index, false, err);
}

static int join_group(const struct birth *b, struct error *err)
{
	if (!b->pgid || b->pgid == b->pid || setpgid(0, b->pgid) == 0)
		return 0;
	return error_sys(err, "task %d: join process group %d", b->pid, b->pgid);
}

static void default_core_limit(void)
{
	struct rlimit none = { 0 };
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

static _Noreturn void die_of_signal(int signo)
{
	sigset_t set;
	default_core_limit(); /* the core file was written when it died for the first time */
	signal(signo, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	syscall(SYS_tgkill, getpid(), getpid(), signo);
	syscall(SYS_tgkill, getpid(), getpid(), SIGKILL); /* a signal that does not kill */
	_exit(0);
}

static _Noreturn void die(const struct birth *b)
{
	if (!b->task)
		_exit(0);
	const TaskCoreEntry *tc = b->task->cores[0]->tc;
	int status = (int)tc->exit_code;
	prctl(PR_SET_NAME, tc->comm);
	if (WIFSIGNALED(status))
		die_of_signal(WTERMSIG(status));
	_exit(WEXITSTATUS(status));
}

/* Helpers are reaped by who has them as child; zombies must be dead, and stay. */
static int await_mortals(struct restore *r, size_t index, struct error *err)
{
	for (size_t i = 0; i < r->plan->nr; i++) {
		const struct birth *b = &r->plan->items[i];
		if (b->parent != index || !birth_is_mortal(b))
			continue;
		siginfo_t info;
		if (waitid(P_PID, (id_t)b->pid, &info, WEXITED | (b->task ? WNOWAIT : 0)) < 0)
			return error_sys(err, "wait for the end of task %d", b->pid);
		if (!b->task)
			r->shared->slots[i].born = 0; /* the pid is anybody's now */
	}
	return 0;
}

static pid_t expected_parent(const struct restore *r, const struct birth *b)
{
	size_t parent = b->orphan ? b->by : b->parent;
	if (parent != BIRTH_BY_COORDINATOR)
		return r->plan->items[parent].pid;
	/* the caller's pid is not known here; only it can be the parent of a sibling */
	return r->opts->restore_sibling ? getppid() : r->shared->coordinator;
}

static int grow_up(struct restore *r, size_t index, struct error *err)
{
	const struct birth *b = &r->plan->items[index];
	/* until the death signal of the image is set: no task outlives a failed restore */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_sys(err, "task %d: set its death signal", b->pid);
	if (getppid() != expected_parent(r, b))
		return error_set(err, ESRCH, "task %d: its parent died during the restore", b->pid);
	int rc = be_born(r, index, err);
	if (rc < 0)
		return rc;
	if (index == 0 && ns_restores(r, NS_PID))
		pid_counter_set(r);
	stage_arrive(r->shared, index, STAGE_BIRTH);
	rc = join_group(b, err);
	if (rc == 0 && !birth_is_mortal(b))
		rc = files_set_foreground(r, b->task, err);
	if (rc == 0)
		rc = adopt_prepare(b, err);
	if (rc < 0)
		return rc;
	stage_arrive(r->shared, index, STAGE_GROUPS);
	if ((rc = adopt(r, index, err)) < 0 || (rc = await_mortals(r, index, err)) < 0)
		return rc;
	if (birth_is_mortal(b))
		die(b);
	return become_restored(r, b->task, err);
}

static _Noreturn void live(struct restore *r, size_t index)
{
	struct error err = { 0 };
	r->shared->slots[index].born = 1;
	r->shared->slots[index].real = real_id_of_self();
	grow_up(r, index, &err);
	stage_fail(r->shared, &err);
	_exit(1);
}
