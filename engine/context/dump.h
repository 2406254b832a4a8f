/* SPDX-License-Identifier: MIT
 * The context of one dump. Who says no to what passes by itself once the tree runs says -EBUSY: it
 * is let go for a moment then, and tried again, a few times.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "engine/arch/arch.h"
#include "engine/context/options.h"
#include "engine/context/sched-host.h"
#include "engine/context/task.h"

struct file_table;  /* files/: every open file description seen so far, by identity */
struct shmem_table; /* mem/: shared segments seen so far */
struct cgroup_sets; /* ns/: control groups seen so far */
struct sysv_table;  /* mem/: System V segments seen so far */
struct net_table;   /* net/: sockets seen so far */
struct user_maps;   /* ns/: ids of users and groups inside and outside */
struct mnt_tree;    /* ns/: mounts of the tree */
struct ns_table;    /* ns/: namespaces seen so far */
struct hold;        /* net/: listening sockets that take no new connection */

struct dump_stats { /* microseconds and pages, for stats-dump */
	uint32_t freezing_time, frozen_time, memdump_time, memwrite_time;
	uint64_t pages_scanned, pages_skipped_parent, pages_written, pages_lazy;
	uint64_t shpages_scanned, shpages_written;
};

struct dump {
	const struct options *opts;
	int images_fd; /* directory the images go to */
	int work_fd;
	char run_id[37];                /* a UUID, of this dump */
	struct arch_cpu cpu;            /* once it was asked */
	enum network_lock network_lock; /* what holds TCP connections still */
	struct task **tasks; /* depth first, parents before children; tasks[0] is the root */
	size_t nr_tasks;
	struct ns_table *ns;
	struct mnt_tree *mounts; /* NULL: it has those of the engine */
	struct user_maps *users; /* of the tree's user namespace; NULL: the engine's own */
	struct file_table *files;
	struct shmem_table *shmem;
	struct sysv_table *sysv; /* NULL until one is met */
	struct cgroup_sets *cgroups;
	struct net_table *net; /* NULL until a socket is met */
	struct hold *hold;     /* NULL until a connection that waits was in the way */
	struct sched_host sched;
	struct {
		struct seccomp_stored { /* a filter of seccomp.img */
			const struct seccomp_program *program;
			int prev; /* index of the one installed before it; -1: none */
		} * items;
		size_t nr, cap;
	} filters;
	struct dump_stats stats;
	int64_t deadline_ms; /* for everybody to have stopped: clock_ms() */
	bool again;          /* something was in the way before */
	bool final;          /* whatever comes, it is not tried again */
	bool probes_left;    /* pages of code have breakpoints of probes in them */
	uint32_t last_pages_id;
	uint32_t next_object_id; /* ids of namespaces, and of what has none yet */
};
