/* SPDX-License-Identifier: MIT
 * What all threads of a task share: signal actions, timers, limits, process-wide settings.
 */
#include <signal.h>
#include <time.h>
#include <linux/prctl.h>

#include "engine/pie/restorer/parts.h"
#include "engine/pie/syscalls.h"

#define NR_SIGNALS 64
#ifndef PR_TIMER_CREATE_RESTORE_IDS
#define PR_TIMER_CREATE_RESTORE_IDS     77
#define PR_TIMER_CREATE_RESTORE_IDS_OFF 0
#define PR_TIMER_CREATE_RESTORE_IDS_ON  1
#endif
#define NO_TIMER_ID         (-1)
#define MAX_COUNTED_IDS     1000000
#define SIGEV_THREAD_ID_BIT 4

static int set_sigactions(struct restorer_args *args)
{
	for (int signo = 1; signo <= NR_SIGNALS; signo++) {
		if (signo == SIGKILL || signo == SIGSTOP)
			continue;
		const struct restorer_sigaction *sa = &args->sigactions[signo - 1];
		struct {
			uint64_t handler, flags, restorer, mask;
		} k = { sa->handler, sa->flags, sa->restorer, sa->mask };
		long rc = sys(SYS_rt_sigaction, signo, &k, 0, sizeof(k.mask));
		if (rc < 0)
			return restorer_fail(args, "set the action of signal", (uint64_t)signo, rc);
	}
	return 0;
}

/*
 * Nothing may be delivered until the masks of the image are set. A C library leaves its own signals
 * out of what it blocks (32 and 33, which its timers and cancellation use), so they are not yet.
 * Children that died during the restore left SIGCHLD behind; the task never got these.
 */
static void block_and_drain_signals(void)
{
	uint64_t all = ~UINT64_C(0);
	sys(SYS_rt_sigprocmask, SIG_BLOCK, &all, 0, sizeof(all));
	struct {
		int64_t sec, nsec;
	} now = { 0, 0 };
	while (sys(SYS_rt_sigtimedwait, &all, 0, &now, sizeof(all)) > 0)
		;
}

static int register_membarriers(struct restorer_args *args)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		if (!(args->membarrier & (1u << bit)))
			continue;
		long rc = sys(SYS_membarrier, 1u << bit, 0, 0);
		if (rc < 0)
			return restorer_fail(args, "register membarrier", 1u << bit, rc);
	}
	return 0;
}

/* Before signal stacks are set: the kernel compares their size with what may lie on them. */
static int ask_for_extended(struct restorer_args *args)
{
	for (unsigned component = 0; component < 64; component++) {
		if (!(args->extended >> component & 1))
			continue;
		long rc = extended_ask_for(component);
		if (rc < 0)
			return restorer_fail(args, "get leave to use the extended state (AMX)",
					     component, rc);
	}
	return 0;
}

/* Threads load their segment registers later, when they get all their registers. */
static int write_ldt(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_ldt; i++) {
		const void *entry = args->ldt + (uint64_t)i * RESTORER_LDT_ENTRY;
		long rc = sys(SYS_modify_ldt, LDT_WRITE, entry, RESTORER_LDT_ENTRY);
		if (rc < 0)
			return restorer_fail(args, "make its local segments again (modify_ldt)", 0,
					     rc);
	}
	return 0;
}

int restore_process_state(struct restorer_args *args)
{
	int rc;
	block_and_drain_signals();
	if ((!args->has_actions && (rc = set_sigactions(args)) < 0) ||
	    (rc = register_membarriers(args)) < 0 || (rc = ask_for_extended(args)) < 0 ||
	    (rc = write_ldt(args)) < 0)
		return rc;
	long set = sys(SYS_personality, args->personality);
	if (set < 0)
		return restorer_fail(args, "set personality", args->personality, set);
	set = sys(SYS_prctl, PR_SET_CHILD_SUBREAPER, args->child_subreaper, 0, 0, 0);
	if (set < 0)
		return restorer_fail(args, "become a child subreaper", 0, set);
	if (args->thp_disabled)
		set = sys(SYS_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0);
	if (set < 0)
		return restorer_fail(args, "disable huge pages", 0, set);
	return restore_pending(args, 0, args->siginfos, args->nr_siginfos);
}

int restore_future_lock(struct restorer_args *args)
{
	long rc = args->future_lock ? sys(SYS_mlockall, args->future_lock) : 0;
	return rc < 0 ? restorer_fail(args, "lock what it will map (mlockall)", 0, rc) : 0;
}

int restore_limits(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_rlimits; i++) {
		long rc = sys(SYS_prlimit64, 0, i, &args->rlimits[i], 0);
		if (rc < 0)
			return restorer_fail(args, "set resource limit", i, rc);
	}
	return 0;
}

struct kernel_sigevent {
	uint64_t value;
	int32_t signo, notify, tid, padding[11];
};

static long create_timer(const struct restorer_timer *t, int32_t *id)
{
	struct kernel_sigevent ev = {
		.value = t->sival_ptr,
		.signo = t->signo,
		.notify = t->notify,
		.tid = t->notify & SIGEV_THREAD_ID_BIT ? t->notify_tid : 0,
	};
	return sys(SYS_timer_create, (long)t->clock, &ev, id);
}

/* Before Linux 6.15 ids can only be counted up to: create and delete until the wanted one comes. */
static int create_counting(struct restorer_args *args, const struct restorer_timer *t)
{
	for (int tries = 0; tries < MAX_COUNTED_IDS; tries++) {
		int32_t id = NO_TIMER_ID;
		long rc = create_timer(t, &id);
		if (rc < 0)
			return restorer_fail(args, "create timer", (uint64_t)t->id, rc);
		if (id == t->id)
			return 0;
		sys(SYS_timer_delete, (long)id);
		if (id > t->id)
			return restorer_fail(args, "timer id is taken:", (uint64_t)t->id, -17);
	}
	return restorer_fail(
	    args, "this kernel cannot create a timer with so high an id:", (uint64_t)t->id, -34);
}

int restore_posix_timers(struct restorer_args *args)
{
	if (!args->nr_timers)
		return 0;
	int exact = sys(SYS_prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_ON, 0,
			0, 0) == 0;
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < args->nr_timers; i++) {
		const struct restorer_timer *t = &args->timers[i];
		int32_t id = t->id;
		if (!exact) {
			rc = create_counting(args, t);
			continue;
		}
		long created = create_timer(t, &id);
		if (created < 0)
			rc = restorer_fail(args, "create timer", (uint64_t)t->id, created);
	}
	if (exact)
		sys(SYS_prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_OFF, 0, 0,
		    0);
	return rc;
}

static int counts_cpu_time(int32_t clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

/*
 * Nothing left, but an interval: it had just expired, and its signal waits to be taken, or is
 * among those queued again. The kernel would take such a value for "disarmed", and of CPU time it
 * means that: those keep their interval.
 */
static void fix_expired(const struct restorer_timer *t, uint64_t spec[4])
{
	if (!spec[2] && !spec[3] && !counts_cpu_time(t->clock)) {
		spec[2] = spec[0];
		spec[3] = spec[1];
	}
}

int restore_armed_timers(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_timers; i++) {
		const struct restorer_timer *t = &args->timers[i];
		uint64_t spec[4] = { t->interval_sec, t->interval_nsec, t->value_sec,
				     t->value_nsec };
		fix_expired(t, spec);
		if (!spec[0] && !spec[1] && !spec[2] && !spec[3])
			continue;
		long rc = sys(SYS_timer_settime, (long)t->id, 0, spec, 0);
		if (rc < 0)
			return restorer_fail(args, "arm timer", (uint64_t)t->id, rc);
	}
	for (int i = 0; i < 3; i++) {
		uint64_t spec[4] = { args->itimers[i].isec, args->itimers[i].iusec,
				     args->itimers[i].vsec, args->itimers[i].vusec };
		if (!spec[0] && !spec[1] && !spec[2] && !spec[3])
			continue;
		long rc = sys(SYS_setitimer, i, spec, 0);
		if (rc < 0)
			return restorer_fail(args, "arm interval timer", (uint64_t)i, rc);
	}
	return 0;
}
