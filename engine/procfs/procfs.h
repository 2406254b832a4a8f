/* SPDX-License-Identifier: MIT
 * Text of /proc into structs: pure functions over (buf, len), fuzzed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct proc_stat { /* /proc/PID/stat */
	int pid, ppid, pgid, sid, exit_code;
	int tty_nr; /* controlling terminal: 0, or its device number */
	int tpgid;  /* the terminal's foreground group; -1: none */
	char comm[64];
	char state;
	uint32_t flags;
	int nice, rt_priority, policy;
	int exit_signal; /* what its parent gets when it ends; 0: none */
	uint64_t start_time;
	uint64_t start_code, end_code, start_stack, start_data, end_data, start_brk;
	uint64_t arg_start, arg_end, env_start, env_end;
};

#define PROC_PID_LEVELS 32 /* the kernel nests pid namespaces no deeper */

struct proc_status { /* /proc/PID/status */
	char comm[64];
	uint32_t uids[4], gids[4]; /* real, effective, saved, fs */
	uint32_t *groups;          /* owned */
	size_t nr_groups;
	uint64_t cap_inh, cap_prm, cap_eff, cap_bnd, cap_amb;
	uint64_t sig_pending, shared_pending, sig_blocked, sig_ignored, sig_caught;
	int tracer_pid, no_new_privs, seccomp_mode, nr_threads;
	int fd_size; /* of its descriptor table: all numbers are below */
	/* NSpid, NSpgid, NSsid: as each pid namespace numbers them, the outermost first; 0: the
	 * leader is not in that one */
	int pids[PROC_PID_LEVELS], pgids[PROC_PID_LEVELS], sids[PROC_PID_LEVELS];
	int ns_pid_depth; /* how many */
	uint32_t umask;
};

int proc_stat_parse(const char *buf, size_t len, struct proc_stat *out, struct error *err);
int proc_status_parse(const char *buf, size_t len, struct proc_status *out, struct error *err);
void proc_status_fini(struct proc_status *st);

struct proc_fdinfo { /* /proc/PID/fdinfo/N: the common lines */
	uint64_t pos;
	uint32_t flags; /* as printed, O_CLOEXEC included */
	int mnt_id;
	uint64_t ino;
};
int proc_fdinfo_parse(const char *buf, size_t len, struct proc_fdinfo *out, struct error *err);

struct proc_locks { /* /proc/locks: the inode of each, 0 where it is not told */
	uint64_t *items;
	size_t nr, cap;
};
int proc_locks_parse(const char *buf, size_t len, struct proc_locks *out, struct error *err);
void proc_locks_fini(struct proc_locks *list);

struct proc_mount { /* a line of /proc/PID/mountinfo */
	int id, parent;
	dev_t dev;
	char *root; /* what of the file system it shows */
	char *path; /* where, as who read the file sees it */
	char *type, *source;
	char *options;            /* of the file system, but for what is in sb_flags */
	uint32_t flags, sb_flags; /* MS_… of mount(2) */
	int shared, master;       /* numbers of peer groups; 0: none */
	bool unbindable, idmapped;
};
struct proc_mounts {
	char *text; /* has all their strings */
	struct proc_mount *items;
	size_t nr, cap;
};
int proc_mounts_parse(const char *buf, size_t len, struct proc_mounts *out, struct error *err);
void proc_mounts_fini(struct proc_mounts *list);

struct proc_timer { /* /proc/PID/timers */
	int32_t id, signo, notify, notify_tid, clock;
	uint64_t sival_ptr;
};
struct proc_timers {
	struct proc_timer *items;
	size_t nr, cap;
};
int proc_timers_parse(const char *buf, size_t len, struct proc_timers *out, struct error *err);

struct proc_cgroup {      /* a line of /proc/PID/cgroup */
	const char *name; /* "cpu,cpuacct", "name=systemd", "" for the unified hierarchy */
	const char *path; /* from the root of the reader's cgroup namespace, "/…" */
};
struct proc_cgroups {
	struct proc_cgroup *items; /* sorted by name */
	size_t nr, cap;
	char *text; /* what they point into */
};
int proc_cgroups_parse(const char *buf, size_t len, struct proc_cgroups *out, struct error *err);
void proc_cgroups_fini(struct proc_cgroups *list);
