/* SPDX-License-Identifier: MIT
 * The context of one restore. Everything here is in memory before the first task is born, so
 * every task inherits it by fork; what tasks tell each other is in struct restore_shared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "engine/arch/arch.h"
#include "engine/context/ns-kinds.h"
#include "engine/context/options.h"
#include "engine/context/task.h"
#include "engine/context/vma.h"
#include "engine/pie/restore-shared.h"
#include "images/source.h"
#include "memory.pb-c.h"
#include "security.pb-c.h"
#include "task.pb-c.h"

struct file_set;       /* files/: every file of files.img, opened on first use */
struct shmem_set;      /* mem/: shared segments, filled before the first fork */
struct sysv_set;       /* mem/: System V segments */
struct cgroup_restore; /* ns/: control groups and what was made for them */
struct user_maps;      /* ns/: ids of users and groups inside and outside */
struct mnt_tree;       /* ns/: mounts that are made for the tree */
struct ns_set;         /* ns/: namespaces that are made for the tree */
struct net_set;        /* net/: sockets and what waits in them */
struct netns_set;      /* net/: network namespaces that are made for the tree */
struct kernel_maps;    /* mem/: vdso and vvar */
struct arena;          /* memory at the address where the restorer will read it */
struct restorer_args;
struct pid_remap;   /* tree/: ids that become others */
struct late_births; /* tree/: who is born by the restorer of this task */
struct birth_plan;  /* who is born from whom, helpers included */
struct givers;      /* tree/: who chooses numbers of threads for those who may not */

/* What a pid namespace below the root's knows a task as. */
struct pid_level {
	uint32_t ns;     /* its number in the images */
	pid_t pgid, sid; /* 0: led from outside */
	uint32_t *tids;  /* as rtask.tids */
};

struct rtask {
	int exit_signal;            /* what its parent gets when it ends; 0: none */
	pid_t pid, ppid, pgid, sid; /* as stored, and as they are in the root's pid namespace */
	struct pid_level *levels;   /* from there down to its own; ns/pid.h */
	size_t nr_levels;
	uint32_t pid_max;     /* of the pid namespace it is pid 1 of; 0: as new ones have it */
	bool children_apart;  /* its children are born into another pid namespace, */
	uint32_t children_ns; /* this one; 0: nobody is in it yet */
	bool children_dead;   /* everybody there is dead */
	enum task_state state;
	struct rtask *parent;    /* NULL for the root */
	uint32_t users_at_birth; /* the user namespace inside of the root's it is born in; or 0 */
	struct rtask *memory_of; /* who bears it, its parent mostly: whose memory it starts with */
	struct rtask *files_of, *fs_of; /* whose descriptors, directories it has; NULL: its own */
	struct rtask **children;
	size_t nr_children;
	uint32_t *tids; /* tids[0] == pid */
	pid_t *real;    /* what this process knows them as; NULL: the same. ns/real-ids.h */
	size_t nr_threads;
	struct pool *messages; /* where what follows is kept; of struct restore */
	CoreEntry **cores;     /* one per thread; a zombie has one */
	size_t common_filters; /* seccomp: so many, from the oldest, are those of every thread */
	TaskKobjIdsEntry *ids; /* from core or ids image; NULL for zombies */
	MmEntry *mm;           /* NULL for zombies */
	struct vma_list vmas;
	struct range premap;   /* where its private pages wait for the restorer; mem/ */
	struct page_run *runs; /* its page map, for those who start with its memory; mem/ */
	size_t nr_runs;
	struct arena *arena;
	bool late;   /* the restorer of its parent bears it; known there alone. tree/late.h */
	size_t slot; /* index in restore_shared.slots */
};

/** TASK_FMT's arguments for it. */
#define RTASK_ARGS(t) (t)->pid, rtask_comm(t)

static inline const char *rtask_comm(const struct rtask *t)
{
	return t->cores && t->cores[0] && t->cores[0]->tc ? t->cores[0]->tc->comm : "?";
}

/** The id of one of its threads, for system calls of the coordinator. */
static inline pid_t rtask_tid(const struct rtask *t, size_t thread)
{
	return t->real ? t->real[thread] : (pid_t)t->tids[thread];
}

/** The id of one of its threads as the task knows it. */
static inline pid_t rtask_own_tid(const struct rtask *t, size_t thread)
{
	return (pid_t)(t->nr_levels ? t->levels[t->nr_levels - 1].tids : t->tids)[thread];
}

/** Did it run at the dump, or was stopped? A dead one only comes back as what its parent reaps. */
static inline bool rtask_is_living(const struct rtask *t)
{
	return t->state != TASK_ZOMBIE && t->state != TASK_DEAD;
}

struct restore {
	const struct options *opts;
	struct source *images;
	int images_fd, work_fd;
	char run_id[37];     /* of the dump; "": not known */
	struct arch_cpu cpu; /* once it was asked */
	enum network_lock network_lock;
	struct rtask **tasks; /* as in pstree.img: parents before children */
	size_t nr_tasks;
	struct rtask *root;
	/* Entries of images that stay: tasks inherit them, and nobody writes there, not even to
	 * free them. The second is of those who load tasks in another thread. */
	struct pool messages[2];
	struct file_set *files;
	struct shmem_set *shmem;
	struct cgroup_restore *cgroups; /* NULL: the set has none, or they are left alone */
	struct sysv_set *sysv;          /* NULL: no task has one attached */
	struct net_set *net;
	struct netns_set *netns; /* NULL: the tree has none apart */
	uint32_t
	    dumper_ids[NS_KINDS]; /* namespaces of the program that wrote the set; 0: not known */
	struct ns_set *ns;
	struct mnt_tree *mounts; /* NULL: the tree has none of its own */
	struct user_maps *users; /* NULL: the tree has no user namespace of its own */
	bool time_ns;            /* the tree gets a time namespace, */
	int64_t clocks[2];       /* where CLOCK_MONOTONIC and CLOCK_BOOTTIME begin with this, ns */
	int label_module;        /* LSMTYPE__*, whose labels the tasks had; task/label.h */
	const char *label_attr;  /* its file below attr/ */
	SeccompEntry *seccomp;   /* NULL: the set has none */
	uint64_t user_end;       /* mem_user_end() */
	uint32_t cap_last;       /* the last capability of this kernel */
	int thp;                 /* thp_policy() */
	struct range_list busy;  /* addresses any task will use, joined; mem_prepare_shared() */
	struct range_list own;   /* that this process uses, for own_reserve() */
	struct kernel_maps *kernel_maps; /* of this process; mem/vdso.h */
	struct birth_plan *plan;
	struct late_births *late; /* of this task; NULL: none */
	struct givers *givers;
	struct pid_remap *pids;        /* --remap-pids; NULL: not asked for */
	int holder_fd;                 /* a pidfd of who has descriptors for the tasks */
	struct restore_shared *shared; /* a task moves it into its arena for the restorer */
};
