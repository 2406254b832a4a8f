/* SPDX-License-Identifier: MIT
 * Such a child is stopped before its parent goes on: that is made to ask for it, and the SIGCHLD
 * that came is dropped. It is always SIGSTOP, as all else is blocked then; what it was nobody is
 * told any more.
 */
#include "engine/tree/told-stops.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "engine/procfs/read.h"
#include "engine/procfs/root.h"
#include "engine/task/core.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/remote-call.h"

#define STOP_TRIES 10000 /* ms for its threads to stop */

bool told_stop(const struct rtask *t)
{
	const TaskCoreEntry *tc = t->state == TASK_STOPPED ? t->cores[0]->tc : NULL;
	return tc && tc->has_stop_told && tc->stop_told && t->parent;
}

static int await_stop(pid_t tid, pid_t pid, struct error *err)
{
	char path[48];
	struct proc_stat st;
	snprintf(path, sizeof(path), "%d/task/%d/stat", pid, tid);
	for (int i = 0; i < STOP_TRIES; i++) {
		int rc = proc_stat_read(procfs_fd(), path, &st, err);
		if (rc < 0 || st.state == 'T')
			return rc < 0 ? rc : 0;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return error_set(err, ETIMEDOUT, "thread %d does not stop", tid);
}

static int make_stop(const struct rtask *t, struct error *err)
{
	int rc = kill(rtask_tid(t, 0), SIGSTOP) < 0 ? error_sys(err, "stop it") : 0;
	for (size_t k = 0; rc == 0 && k < t->nr_threads; k++)
		rc = await_stop(rtask_tid(t, k), rtask_tid(t, 0), err);
	return rc < 0 ? error_wrap(err, rc, TASK_FMT, RTASK_ARGS(t)) : 0;
}

int told_stops_make(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++)
		rc = told_stop(r->tasks[i]) ? make_stop(r->tasks[i], err) : 0;
	return rc;
}

static int tell(struct restore *r, const struct rtask *child, struct error *err)
{
	const struct rtask *parent = child->parent;
	const struct birth *items = r->plan->items;
	pid_t pid = birth_seen_as(&items[child->slot], &items[parent->slot]);
	const struct remote_call call = {
		.nr = SYS_wait4,
		.args = { (uint64_t)pid, 0, WUNTRACED | WNOHANG | __WALL },
		.what = "tell it of the stop of a child",
	};
	long result;
	int rc = remote_call(r, parent, 0, &call, &result, err);
	if (rc == 0 && result != pid)
		rc = error_code(err, result < 0 ? (int)result : -ESRCH,
				"task %d: tell it of the stop of %d", parent->pid, child->pid);
	return rc;
}

static bool was_pending(const struct rtask *t, int signo)
{
	const SignalQueueEntry *q = t->cores[0]->tc->signals_s;
	int first = 0; /* of its siginfo_t */
	for (size_t i = 0; q && first != signo && i < q->n_signals; i++)
		memcpy(&first, q->signals[i]->siginfo.data, sizeof(first));
	return first == signo;
}

/* Is one of those that wait for a process this one? */
static bool is_pending(pid_t pid, int signo)
{
	siginfo_t info;
	struct __ptrace_peeksiginfo_args args = { .flags = PTRACE_PEEKSIGINFO_SHARED, .nr = 1 };
	for (; ptrace(PTRACE_PEEKSIGINFO, pid, &args, &info) == 1; args.off++)
		if (info.si_signo == signo)
			return true;
	return false;
}

static int set_mask(pid_t pid, uint64_t mask, struct error *err)
{
	if (ptrace(PTRACE_SETSIGMASK, pid, (void *)sizeof(mask), &mask) < 0)
		return error_sys(err, "thread %d: set its signal mask", pid);
	return 0;
}

/* It stops for the signal, and goes on without. */
static int drop_signal(const struct rtask *t, int signo, struct error *err)
{
	pid_t pid = rtask_tid(t, 0);
	int rc = set_mask(pid, ~(1ull << (signo - 1)), err);
	if (rc == 0 && ptrace(PTRACE_CONT, pid, 0, 0) < 0)
		rc = error_sys(err, "thread %d: let it run", pid);
	if (rc == 0)
		rc = remote_wait_stop(t, 0, err);
	return rc < 0 ? rc : set_mask(pid, UINT64_MAX, err);
}

/* The signal of one that waited in the images stays. */
static int tell_all(struct restore *r, const struct rtask *t, struct error *err)
{
	bool any = false;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < t->nr_children; i++) {
		if (!told_stop(t->children[i]))
			continue;
		any = true;
		rc = tell(r, t->children[i], err);
	}
	if (rc < 0 || !any || was_pending(t, SIGCHLD) || !is_pending(rtask_tid(t, 0), SIGCHLD))
		return rc;
	return drop_signal(t, SIGCHLD, err);
}

int told_stops_tell(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++)
		rc = rtask_is_living(r->tasks[i]) ? tell_all(r, r->tasks[i], err) : 0;
	return rc;
}
