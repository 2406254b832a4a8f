/* SPDX-License-Identifier: MIT
 * Threads are stopped where the restorer left them, and changed from outside: no code of ours
 * has to run on its way out of memory that goes away. Steps of the launcher, launcher.c.
 */
#include "engine/tree/launch.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/log.h"
#include "engine/arch/arch.h"
#include "engine/net/net.h"
#include "engine/task/core.h"
#include "engine/task/seccomp.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/remote-call.h"
#include "engine/tree/told-stops.h"

#define RSEQ_CS_OFFSET 8 /* of rseq_cs in struct rseq */

struct launch {
	struct restore *r;
	bool any; /* a thread is ours */
};

typedef int (*step_fn)(struct launch *l, struct rtask *t, size_t thread, struct error *err);

/* One step for all before the next: threads work in parallel, waits are short. */
static int for_threads(struct launch *l, step_fn step, bool leaders_only, struct error *err)
{
	for (size_t i = 0; i < l->r->nr_tasks; i++) {
		struct rtask *t = l->r->tasks[i];
		size_t nr = leaders_only ? 1 : t->nr_threads;
		for (size_t k = 0; rtask_is_living(t) && k < nr; k++) {
			int rc = step(l, t, k, err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static int seize(struct launch *l, struct rtask *t, size_t thread, struct error *err)
{
	pid_t tid = rtask_tid(t, thread);
	long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
	if (seccomp_has(t))
		options |= PTRACE_O_SUSPEND_SECCOMP;
	if (ptrace(PTRACE_SEIZE, tid, 0, options) < 0)
		return error_sys(err, "thread %d: take it over", tid);
	l->any = true;
	if (told_stop(t)) /* it stops at once, and would do so twice */
		return 0;
	return ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0
		   ? error_sys(err, "thread %d: take it over", tid)
		   : 0;
}

static int wait_stop(struct launch *l, struct rtask *t, size_t thread, struct error *err)
{
	(void)l;
	return remote_wait_stop(t, thread, err);
}

/* The address of a critical section that is to be gone on with; our own calls cleared it. */
static int set_rseq_cs(const struct rtask *t, size_t thread, struct error *err)
{
	const RseqEntry *e = t->cores[thread]->thread_core->rseq_entry;
	if (!e || !e->has_rseq_cs_pointer || !e->rseq_cs_pointer)
		return 0;
	uint64_t cs = e->rseq_cs_pointer;
	struct iovec from = { &cs, sizeof(cs) };
	struct iovec to = { (void *)(uintptr_t)(e->rseq_abi_pointer + RSEQ_CS_OFFSET), sizeof(cs) };
	if (process_vm_writev(rtask_tid(t, 0), &from, 1, &to, 1, 0) != (ssize_t)sizeof(cs))
		return error_sys(err, "thread %u: set its rseq critical section", t->tids[thread]);
	return 0;
}

static int set_state(struct launch *l, struct rtask *t, size_t thread, struct error *err)
{
	pid_t tid = rtask_tid(t, thread);
	struct arch_regs regs = { 0 };
	int rc = arch_regs_of_core(&l->r->cpu, t->cores[thread], &regs, err);
	if (rc == 0)
		rc = arch_regs_set(tid, &regs, err);
	arch_regs_fini(&regs);
	if (rc < 0)
		return rc;
	uint64_t mask = task_sigmask(t, thread);
	if (ptrace(PTRACE_SETSIGMASK, tid, (void *)sizeof(mask), &mask) < 0)
		return error_sys(err, "thread %d: set its signal mask", tid);
	return set_rseq_cs(t, thread, err);
}

/* With everything else in place: from here on only what we have lifted is in the way. */
static int set_seccomp(struct launch *l, struct rtask *t, size_t thread, struct error *err)
{
	struct seccomp_call call;
	long result = 0;
	int rc = 0;
	for (size_t i = 0; rc == 0 && seccomp_call(l->r, t, thread, i, &call); i++) {
		const struct remote_call remote = {
			.nr = call.nr,
			.args = { call.args[0], call.args[1], call.args[2] },
			.what = "put it under seccomp",
		};
		rc = remote_call(l->r, t, thread, &remote, &result, err);
		/* a filter for all threads: the id of one that has other filters */
		if (rc == 0 && result != 0)
			rc = error_code(err, result < 0 ? (int)result : -ESRCH,
					"thread %d: put it under seccomp again",
					rtask_tid(t, thread));
	}
	return rc;
}

static const char unmap[] = "unmap the restorer";

static int start_unmap(struct launch *l, struct rtask *t, size_t thread, struct error *err)
{
	const struct restore_slot *slot = &l->r->shared->slots[t->slot];
	const struct remote_call remote = {
		.nr = SYS_munmap,
		.args = { slot->arena_start, slot->arena_end - slot->arena_start },
		.what = unmap,
	};
	return remote_call_start(l->r, t, thread, &remote, err);
}

static int end_unmap(struct launch *l, struct rtask *t, size_t thread, struct error *err)
{
	(void)l;
	return remote_call_go_on(t, thread, unmap, err);
}

static int check_unmap(struct launch *l, struct rtask *t, size_t thread, struct error *err)
{
	(void)l;
	long result = 0;
	int rc = remote_call_result(t, thread, &result, err);
	return rc == 0 && result < 0
		   ? error_code(err, (int)result, "thread %d: %s", rtask_tid(t, thread), unmap)
		   : rc;
}

static int stop_again(struct launch *l, struct rtask *t, size_t thread, struct error *err)
{
	(void)thread;
	const TaskCoreEntry *tc = t->cores[0]->tc;
	if (told_stop(t) || (t->state != TASK_STOPPED && !l->r->opts->leave_stopped))
		return 0;
	int signo = tc->has_stop_signo && tc->stop_signo ? (int)tc->stop_signo : SIGSTOP;
	return kill(rtask_tid(t, 0), signo) < 0 ? error_sys(err, "task %d: stop it", t->pid) : 0;
}

int launch_take(struct restore *r, bool *any, struct error *err)
{
	struct launch l = { .r = r };
	arch_cpu_probe(&r->cpu);
	int rc = told_stops_make(r, err);
	if (rc == 0)
		rc = for_threads(&l, seize, false, err);
	*any = l.any;
	if (rc < 0 || (rc = for_threads(&l, wait_stop, false, err)) < 0 ||
	    (rc = told_stops_tell(r, err)) < 0 ||
	    (rc = for_threads(&l, set_seccomp, false, err)) < 0 ||
	    (rc = for_threads(&l, start_unmap, true, err)) < 0 ||
	    (rc = for_threads(&l, wait_stop, true, err)) < 0 ||
	    (rc = for_threads(&l, end_unmap, true, err)) < 0 ||
	    (rc = for_threads(&l, wait_stop, true, err)) < 0 ||
	    (rc = for_threads(&l, check_unmap, true, err)) < 0 ||
	    (rc = for_threads(&l, set_state, false, err)) < 0)
		return rc;
	return for_threads(&l, stop_again, true, err);
}

static int detach(struct launch *l, struct rtask *t, size_t thread, struct error *err)
{
	(void)l, (void)err;
	/* a task of ours may have been killed by a sibling that already runs: no failure */
	ptrace(PTRACE_DETACH, rtask_tid(t, thread), 0, 0);
	return 0;
}

int launch_release(struct restore *r, struct error *err)
{
	struct launch l = { .r = r };
	int rc = net_release(r, err);
	return rc < 0 ? rc : for_threads(&l, detach, false, err);
}
