/* SPDX-License-Identifier: MIT
 * A task of the frozen tree, as the dump sees it.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/arch/arch.h"
#include "engine/context/ns-kinds.h"
#include "engine/context/vma.h"
#include "engine/pie/parasite.h"
#include "engine/procfs/procfs.h"

/* Values of task_core_entry.task_state, except that images say TASK_DEAD for a zombie. */
enum task_state {
	TASK_ALIVE = 1,
	TASK_DEAD = 2,    /* in images: a zombie; in struct task: gone while it was being stopped */
	TASK_STOPPED = 3, /* group-stopped; show prints Zombie: an old mistake kept by readers */
	TASK_ZOMBIE = 6,  /* what struct task and struct rtask hold; accepted in images too */
};

/** Does this signal stop a process that has said nothing else? */
static inline bool is_stop_signal(int signo)
{
	return signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU;
}

struct seccomp_program { /* a classic BPF program */
	void *insns;
	size_t len;     /* bytes */
	uint32_t flags; /* SECCOMP_FILTER_FLAG_LOG, _TSYNC */
};

struct thread {
	pid_t tid;             /* in our pid namespace */
	pid_t vtid;            /* in that of the root of the tree */
	struct arch_regs regs; /* taken at the freeze, restart of system calls already fixed */
	uint64_t sigmask;
	struct proc_status status; /* credentials are per thread */
	uint32_t cg_set;           /* id of its control groups in cgroup.img; ns/cgroup.h */
	uint64_t robust_list;      /* address, and length: get_robust_list(2) */
	uint64_t robust_list_len;
	struct arch_rseq rseq;         /* PTRACE_GET_RSEQ_CONFIGURATION */
	struct parasite_thread inside; /* what only the thread itself could tell */
	struct {
		struct seccomp_program *items; /* the oldest first */
		size_t nr, cap;
	} filters;
	char *label, *sock_label; /* of a security module; NULL: none. task/label.h */
	bool filters_by_first;    /* its first thread installs them for all; task/seccomp.c */
	int last_filter;          /* of its own, in seccomp.img; -1: none */
	void *siginfos;           /* PTRACE_PEEKSIGINFO: nr_siginfos × siginfo_t, per thread */
	size_t nr_siginfos;
};

struct task {
	pid_t pid, vpid;
	pid_t ppid, pgid, sid; /* in the pid namespace of the root of the tree, as vpid is */
	int pid_level;         /* which one of status.pids that is */
	enum task_state state;
	int exit_code;          /* wait(2) status of a zombie */
	int stop_signo;         /* of a group-stopped task */
	bool stop_told;         /* its parent has been told of that, by waitpid(2) */
	struct task *parent;    /* NULL for the root */
	struct thread *threads; /* threads[0] is the leader */
	size_t nr_threads;
	int proc_fd; /* /proc/PID, O_PATH|O_DIRECTORY; -1 for zombies */
	int pidfd;
	int mem_fd;            /* /proc/PID/mem, O_RDWR */
	struct proc_stat stat; /* of the leader */
	struct proc_status status;
	struct vma_list vmas; /* filled by mem/ after the freeze, without parasite mappings */
	struct parasite_task inside;         /* sigactions, timers, prctls */
	struct parasite_posix_timer *timers; /* inside.nr_timers */
	struct parasite_fds *fds;            /* inside.nr_fds, 64 in each */
	struct numa_policy *policies;        /* of its mappings, inside.nr_policies */
	void *ldt;                           /* inside.ldt_len bytes; NULL: none */
	void *shared_siginfos;               /* process-wide queue */
	size_t nr_shared_siginfos;
	struct trace *trace;              /* seized threads and the loaded parasite; trace/ */
	uint32_t ns_ids[NS_KINDS];        /* numbers of its namespaces in images; ns/ns.h */
	uint32_t children_time;           /* that of its children's, where it is not its own; 0 */
	uint32_t pid_ns[PROC_PID_LEVELS]; /* of pid namespaces below the root's, down to its own */
	bool children_apart;              /* its children are born into another pid namespace: */
	uint32_t children_ns;             /* 0: one with nobody in it yet */
	uint32_t vm_id, files_id, fs_id, sighand_id; /* equal where tasks share the object */
};

/** How messages name it; only from when its `stat` was read. */
#define TASK_FMT     "pid %d (%s)"
#define TASK_ARGS(t) (t)->pid, (t)->stat.comm
