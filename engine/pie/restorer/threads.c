/* SPDX-License-Identifier: MIT
 * Threads: their birth with the ids they had, and what each sets up for itself.
 */
#include <asm/errno.h>
#include <signal.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <stddef.h>

#include "engine/pie/clone.h"
#include "engine/pie/restorer/parts.h"
#include "engine/pie/syscalls.h"

#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define SIGINFO_SIZE      128
#define TAKEN_MS          1000                      /* to wait for a number that somebody has */
#define REGISTER_RING_FDS 20                        /* IORING_REGISTER_RING_FDS */
#define SAS_FLAGS         (SS_DISABLE | (1u << 31)) /* settable: SS_AUTODISARM */

#ifndef SS_DISABLE
#define SS_DISABLE 2u
#endif

int restore_pending(struct restorer_args *args, int tid, const void *infos, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		const int *info = (const int *)((const char *)infos + (size_t)i * SIGINFO_SIZE);
		long rc = tid ? sys(SYS_rt_tgsigqueueinfo, args->pid, tid, info[0], info)
			      : sys(SYS_rt_sigqueueinfo, args->pid, info[0], info);
		if (rc < 0)
			return restorer_fail(args, "queue pending signal", (uint64_t)info[0], rc);
	}
	return 0;
}

static int set_scheduling(struct restorer_args *args, const struct restorer_thread *t)
{
	struct {
		int priority;
	} param = { t->sched_prio };
	if (t->sched_policy < 0)
		return 0;
	long rc = sys(SYS_sched_setscheduler, 0, t->sched_policy, &param);
	if (rc >= 0)
		rc = sys(SYS_setpriority, 0, 0, (long)t->sched_nice);
	return rc < 0 ? restorer_fail(args, "set scheduling of thread", (uint64_t)t->tids[0], rc)
		      : 0;
}

static int set_signal_stack(struct restorer_args *args, const struct restorer_thread *t)
{
	struct {
		uint64_t sp;
		uint32_t flags, padding;
		uint64_t size;
	} ss = { .sp = t->sas_sp, .flags = t->sas_flags & SAS_FLAGS, .size = t->sas_size };
	long rc = sys(SYS_sigaltstack, &ss, 0);
	return rc < 0
		   ? restorer_fail(args, "set the signal stack of thread", (uint64_t)t->tids[0], rc)
		   : 0;
}

static int set_user_memory(struct restorer_args *args, const struct restorer_thread *t)
{
	sys(SYS_set_tid_address, t->clear_tid_addr);
	long rc =
	    t->robust_list_len ? sys(SYS_set_robust_list, t->robust_list, t->robust_list_len) : 0;
	if (rc < 0)
		return restorer_fail(args, "set the robust list of thread", (uint64_t)t->tids[0],
				     rc);
	if (t->rseq_addr)
		rc = sys(SYS_rseq, t->rseq_addr, t->rseq_size, 0, t->rseq_signature);
	return rc < 0 ? restorer_fail(args, "register rseq of thread", (uint64_t)t->tids[0], rc)
		      : 0;
}

static int set_settings(struct restorer_args *args, const struct restorer_thread *t)
{
	for (uint32_t i = 0; i < t->nr_settings; i++) {
		const struct restorer_setting *s = &t->settings[i];
		long rc = s->option == SETTING_SET_CPUID
			      ? sys(SYS_arch_prctl, s->option, s->arg2)
			      : sys(SYS_prctl, s->option, s->arg2, s->arg3, 0, 0);
		if (rc < 0)
			return restorer_fail(args, "make a setting again, prctl option", s->option,
					     rc);
	}
	return 0;
}

static int set_policy(struct restorer_args *args, const struct restorer_thread *t)
{
	const struct numa_policy *p = &t->policy;
	long rc =
	    p->mode == NUMA_DEFAULT ? 0 : sys(SYS_set_mempolicy, p->mode, p->nodes, NUMA_MAX_NODE);
	return rc < 0
		   ? restorer_fail(args, "set the NUMA policy of thread", (uint64_t)t->tids[0], rc)
		   : 0;
}

static int register_ring(struct restorer_args *args, const struct restorer_thread *t)
{
	for (uint32_t i = 0; i < NR_RING_FDS; i++) {
		struct {
			uint32_t offset, reserved;
			uint64_t fd;
		} update = { .offset = i, .fd = (uint64_t)t->ring_fd };
		if (!(t->ring_fds & (1u << i)))
			continue;
		long rc = sys(SYS_io_uring_register, t->ring_fd, REGISTER_RING_FDS, &update, 1);
		if (rc != 1)
			return restorer_fail(args, "register its ring again, fd",
					     (uint64_t)t->ring_fd, rc < 0 ? rc : -5);
	}
	return 0;
}

int restore_thread_state(struct restorer_args *args, const struct restorer_thread *t)
{
	int rc;
	sys(SYS_prctl, PR_SET_NAME, t->comm, 0, 0, 0);
	if ((rc = set_user_memory(args, t)) < 0 || (rc = set_signal_stack(args, t)) < 0 ||
	    (rc = set_settings(args, t)) < 0 || (rc = set_policy(args, t)) < 0 ||
	    (rc = register_ring(args, t)) < 0 || (rc = set_scheduling(args, t)) < 0 ||
	    (rc = restore_pending(args, t->tids[0], t->siginfos, t->nr_siginfos)) < 0 ||
	    (rc = restore_credentials(args, t)) < 0)
		return rc;
	/* after the credentials: their change forgets it */
	long set = sys(SYS_prctl, PR_SET_PDEATHSIG, (long)t->pdeath_signal, 0, 0, 0);
	return set < 0 ? restorer_fail(args, "set the death signal of thread", (uint64_t)t->tids[0],
				       set)
		       : 0;
}

_Noreturn void restorer_thread_main(void *arg)
{
	struct thread_start *start = arg;
	struct restorer_args *args = start->args;
	if (bears_given(args))
		await_verdict(start);
	if (restore_thread_state(args, start->thread) < 0)
		restorer_give_up();
	__atomic_add_fetch(&args->threads_done, 1, __ATOMIC_RELEASE);
	if (args->threads_done == args->nr_threads - 1)
		sys(SYS_futex, &args->threads_done, FUTEX_WAKE, 1, 0, 0, 0);
	restorer_ready(args);
}

long bear_numbered(const struct restorer_args *args, const struct clone_args *ca,
		   void (*entry)(void *), void *arg)
{
	struct {
		int64_t sec, nsec;
	} moment = { 0, 1000000 };
	long rc = clone_onto_stack(ca, entry, arg);
	for (int i = 0; rc == -EEXIST && i < TAKEN_MS && !restore_is_over(args->shared); i++) {
		sys(SYS_nanosleep, &moment, 0);
		rc = clone_onto_stack(ca, entry, arg);
	}
	return rc;
}

static int birth(struct restorer_args *args, const struct restorer_thread *t)
{
	/* at the top of the new stack, so that it lives as long */
	struct thread_start *start = (struct thread_start *)(t->stack_top - sizeof(*start));
	start->args = args;
	start->thread = t;
	struct clone_args ca = {
		.flags = THREAD_FLAGS,
		.stack = t->stack_top - RESTORER_STACK_SIZE,
		.stack_size = RESTORER_STACK_SIZE - sizeof(*start),
		.set_tid = (uintptr_t)t->tids,
		.set_tid_size = t->nr_tids,
	};
	long rc = bears_given(args) ? bear_given(args, &ca, start)
				    : bear_numbered(args, &ca, restorer_thread_main, start);
	/* the outermost of its numbers, which the coordinator can look for */
	return rc < 0 ? restorer_fail_to_bear(args, t->tids[t->nr_tids - 1], rc) : 0;
}

int restore_threads(struct restorer_args *args)
{
	for (uint32_t i = 1; i < args->nr_threads; i++) {
		int rc = birth(args, &args->threads[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}
