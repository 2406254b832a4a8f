/* SPDX-License-Identifier: MIT
 * What a task hands to its restorer: everything at its final address, nothing to look up.
 * Lives in the arena; pointers are valid in the restored address space until it is unmapped.
 */
#pragma once

#include <stdint.h>
#include <sys/resource.h>

#include "engine/pie/numa.h"
#include "engine/pie/settings.h"

struct restore_shared;
struct restore_slot;

/* Where a bare system call instruction stands in the blob, for what is injected at the end. */
#define RESTORER_SYSCALL_OFFSET 16
#define RESTORER_STACK_SIZE     4096 /* of each thread but the leader */
#define RESTORER_LDT_ENTRY      16   /* bytes of struct user_desc, what modify_ldt(2) takes */

/*
 * One step of building the address space, in table order, which is that of addresses. premapped:
 * where it is, its protection is final; elsewhere than at start: move it (mremap); 0: map afresh
 * with flags | MAP_FIXED_NOREPLACE. Then madvise every bit of madv and lock when flags has
 * MAP_LOCKED (status VMA_LOCK_ONFAULT: mlock2(MLOCK_ONFAULT)). What has a file or contents is
 * premapped, guard regions are already in it. vdso, vvar and vsyscall are not in the table: they
 * are moved as `moves` says.
 */
struct restorer_vma {
	uint64_t start, end, pgoff, premapped, madv;
	uint32_t prot, flags, status; /* flags: MAP_*, as for mmap(2) */
	int32_t fd;                   /* -1: anonymous */
	uint32_t close_fd;
	uint32_t policy; /* number of one of restorer_args.policies, from 1; 0: none of its own */
};
/*
 * A kernel mapping (vdso, vvar …) of this process that the task keeps. First all are moved to
 * `park`, inside the premap range; then everything else is unmapped; then they go to `to`, before
 * the table is worked through. from == to: stays (park is 0).
 */
struct restorer_move {
	uint64_t from, park, to, size;
};
struct restorer_sigaction {
	uint64_t handler, flags, restorer, mask;
};
struct restorer_timer {
	uint64_t interval_sec, interval_nsec, value_sec, value_nsec, sival_ptr;
	int32_t id, clock, notify, signo, notify_tid, overrun;
};
struct restorer_ring { /* of asynchronous I/O; its old contents are at addr */
	uint64_t addr, len;
	uint32_t nr_req;
};
struct restorer_lock { /* POSIX; through descriptor fd */
	int64_t start, len;
	int32_t fd;
	int16_t type;
};
struct restorer_label { /* to be written as it is; len 0: none */
	char *text;
	uint64_t len;
};
struct restorer_ids {
	uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
	uint32_t nr_groups;
	uint32_t *groups;
};
struct restorer_creds {
	struct restorer_ids ids;
	uint32_t has_ids; /* since before it was born, in a user namespace it has entered */
	uint32_t cap_inh[2], cap_prm[2], cap_eff[2], cap_bnd[2], cap_amb[2];
	uint32_t securebits, no_new_privs;
	struct restorer_label label, sock_label;
};
struct restorer_piece { /* of memory */
	uint64_t addr, len;
	const void *bytes; /* what it has; NULL: nothing, it was dropped */
};
struct restorer_setting { /* prctl(option, arg2, arg3, 0, 0) */
	uint64_t option, arg2, arg3;
};
#define RESTORER_TIDS 32 /* the kernel nests pid namespaces no deeper */
struct restorer_thread {
	int32_t tids[RESTORER_TIDS]; /* in its own pid namespace, then in each around that */
	uint32_t nr_tids;
	uint64_t stack_top; /* of the restorer's own stack for this thread; set by restore.c */
	uint64_t clear_tid_addr;
	uint64_t robust_list, robust_list_len;
	uint64_t rseq_addr;
	uint32_t rseq_size, rseq_signature;
	uint64_t sas_sp, sas_size;
	uint32_t sas_flags;
	int32_t pdeath_signal;
	int32_t sched_policy, sched_prio, sched_nice; /* policy -1: set from outside */
	uint64_t sigmask;
	char comm[16];
	struct restorer_setting settings[NR_SETTINGS];
	uint32_t nr_settings;
	uint32_t ring_fds; /* a bit per index that is to stand for the ring ring_fd */
	int32_t ring_fd;
	struct restorer_creds creds;
	struct numa_policy policy;
	uint32_t nr_siginfos;
	void *siginfos; /* nr × 128 bytes, queued to this thread */
};
/*
 * Set by tree/become.c: shared, slot, pid, files_*, self_*, task_size, window_*, cap_last, bnd_now,
 * stacks. By mem/: vmas, moves, premap_*, mm fields. By task/: threads (but stack_top) and what is
 * left; by tree/late.c: children, parent, pid_is_real. Registers are no business of the restorer:
 * the coordinator sets them, together with the signal mask, when every thread waits for it
 * (STAGE_READY), and unmaps the arena.
 */
struct restorer_args {
	struct restore_shared *shared;
	struct restore_slot *slot;
	int32_t pid;
	uint64_t self_start, self_end; /* blob + arena: not to be unmapped until the very end */
	uint64_t task_size;            /* end of user addresses */
	uint32_t window_first, window_last; /* descriptors of the restore itself: closed last */
	struct restore_slot
	    *files_of;         /* of who closes them where the table is shared; NULL: we do */
	uint32_t files_shared; /* how many others have to be done with them before */
	uint32_t cap_last;     /* of this kernel */
	int32_t proc_fd;
	int32_t users_fd;      /* the user namespace to enter; -1: it is born in its own */
	char label_file[40];   /* below /proc, of the calling thread */
	uint32_t label_early;  /* set by the leader for all its threads, before they are there */
	uint32_t bnd_now[2];   /* bounding set before credentials change */
	uint32_t threads_done; /* futex between leader and threads, see restorer.c */
	struct restorer_vma *vmas;
	uint32_t nr_vmas;
	struct numa_policy *policies; /* of mappings */
	uint32_t nr_policies;
	struct restorer_thread *threads;
	uint32_t nr_threads;
	uint32_t givers[RESTORER_TIDS]; /* of the threads' tids, as they stand there; 0: chosen by
					   the task */
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
	struct restorer_ring *rings;
	uint32_t nr_rings;
	struct restorer_lock *locks; /* closing any descriptor of the file undoes them: last */
	uint32_t nr_locks;
	/* vdso, vvar …: in address order; what is not listed is unmapped */
	struct restorer_move moves[8];
	uint32_t nr_moves;
	/* where premapped pages wait: kept until the table is done, free in the restored space */
	uint64_t premap_start, premap_end;
	int32_t dumpable, thp_disabled, child_subreaper, oom_score_adj;
	uint32_t has_oom_score_adj;
	uint32_t membarrier, personality;
	/* whom the restorer bears; their arguments, and this, are in one mapping that all share */
	struct restorer_args **children;
	uint32_t nr_children;
	/* of such a child: where its memory differs from the parent's */
	struct restorer_piece *pieces;
	uint32_t nr_pieces;
	int32_t exit_signal;
	int32_t parent;       /* as it knows that; 0: no restorer has borne it */
	uint32_t pid_is_real; /* the coordinator knows it by the same number */
	uint32_t has_actions; /* of signals: they are the parent's, which says so */
	uint64_t extended;    /* components of the extended state to ask for, a bit each */
	uint8_t *ldt;         /* segments of its own, nr_ldt entries for modify_ldt(2) */
	uint32_t nr_ldt;
	uint32_t future_lock; /* flags of mlockall(2); 0: what it maps is not locked */
};
