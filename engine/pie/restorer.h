/* SPDX-License-Identifier: MIT
 * What a task hands to its restorer: everything at its final address, nothing to look up.
 * Lives in the arena; pointers are valid in the restored address space until it is unmapped.
 */
#pragma once

#include <stdint.h>
#include <sys/resource.h>

struct restorer_vma {
	uint64_t start, end, pgoff, premapped, madv; /* premapped: move from here; 0: map afresh */
	uint32_t prot, flags, status;
	int32_t fd; /* -1: anonymous */
	uint32_t close_fd;
};
struct restorer_sigaction {
	uint64_t handler, flags, restorer, mask;
};
struct restorer_timer {
	uint64_t interval_sec, interval_nsec, value_sec, value_nsec, sival_ptr;
	int32_t id, clock, notify, signo, notify_tid, overrun;
};
struct restorer_creds {
	uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
	uint32_t nr_groups;
	uint32_t *groups;
	uint32_t cap_inh[2], cap_prm[2], cap_eff[2], cap_bnd[2], cap_amb[2];
	uint32_t securebits, no_new_privs;
};
struct restorer_thread {
	int32_t tid;
	uint64_t sigframe_sp; /* stack pointer for rt_sigreturn */
	uint64_t stack_top;   /* of the restorer's own stack for this thread */
	uint64_t tls;         /* fs base; the frame does not carry it */
	uint64_t gs_base;
	uint64_t clear_tid_addr;
	uint64_t robust_list, robust_list_len;
	uint64_t rseq_addr;
	uint32_t rseq_size, rseq_signature;
	uint64_t sas_sp, sas_size;
	uint32_t sas_flags;
	int32_t pdeath_signal;
	int32_t sched_policy, sched_prio, sched_nice;
	uint64_t sigmask;
	char comm[16];
	struct restorer_creds creds;
	uint32_t nr_siginfos;
	void *siginfos; /* nr × 128 bytes, queued to this thread */
};
struct restorer_args {
	struct restore_shared *shared;
	int32_t log_fd;
	uint32_t log_level;
	uint64_t self_start, self_end; /* blob + arena: not to be unmapped until the very end */
	uint64_t task_size;            /* end of user addresses */
	struct restorer_vma *vmas;
	uint32_t nr_vmas;
	struct restorer_thread *threads;
	uint32_t nr_threads;
	struct restorer_sigaction sigactions[64];
	struct {
		uint64_t isec, iusec, vsec, vusec;
	} itimers[3];
	struct restorer_timer *timers;
	uint32_t nr_timers;
	struct rlimit rlimits[16];
	uint32_t nr_rlimits;
	void *siginfos;
	uint32_t nr_siginfos;
	/* prctl(PR_SET_MM_MAP) */
	uint64_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
	uint64_t arg_start, arg_end, env_start, env_end;
	uint64_t *auxv;
	uint32_t auxv_size;
	int32_t exe_fd;
	/* vdso: where this kernel's is now, where the image wants one */
	uint64_t vdso_now, vdso_size, vvar_now, vvar_size;
	uint64_t vdso_target, vvar_target;
	int32_t dumpable, thp_disabled, child_subreaper, oom_score_adj;
	uint32_t has_oom_score_adj;
	uint32_t membarrier, personality;
	int32_t stop_signo; /* 0: run; else stop again after the restore */
};
