/* SPDX-License-Identifier: MIT
 * The page that the coordinator of a restore, its tasks and their restorers share.
 */
#pragma once

#include <linux/futex.h>
#include <stdint.h>

#include "base/error.h"

/* Where tasks wait for each other; a task's slot says the last one it has finished. */
enum restore_stage {
	STAGE_NONE,
	STAGE_BIRTH,  /* every task exists, is in its session, leads its group */
	STAGE_GROUPS, /* every task is in its group: helpers and zombies may die */
	STAGE_READY,  /* every thread has its final state and waits to be let go */
};

/* What one task tells the coordinator; the index is that of its birth (engine/tree/birth-plan.h).
 */
struct restore_slot {
	uint32_t stage;
	uint32_t born;        /* 1: the pid is ours */
	int32_t real;         /* its pid as the coordinator has it; 0: not told yet */
	uint32_t looks;       /* of the coordinator, that found it born, but has not told yet */
	uint32_t files_ready; /* futex: its descriptors are in place; tree/share.h */
	uint32_t adopts;      /* orphans come to it now; tree/adopt.h */
	uint32_t adopted;     /* the orphan has its parent */
	uint32_t to_kill;     /* a pid 1 that its parent has to kill; tree/birth.c */
	uint32_t given;       /* futex: who has its numbers from a giver: 1 these, 2 others */
	int32_t wrong;        /* one that has others, as its parent knows it; to be reaped */
	uint32_t files_left;  /* futex: how many who share them need the restore's no more */
	uint64_t arena_start, arena_end; /* to be unmapped from it at the very end */
	uint64_t seccomp_addr;           /* what is installed at the very end; 0: nothing */
	uint64_t syscall_addr;           /* of a syscall instruction inside the arena */
};

/* What the text of an error lacks: from a blob, the words for its code and the limit to look at. */
enum error_raw { ERROR_WHOLE, ERROR_OF_TASK, ERROR_OF_THREADS, ERROR_OF_BIRTH };

/* What is asked of who chooses numbers of threads (tree/giver.h), by one restorer at a time. */
struct restore_ids {
	uint32_t lock;  /* futex: 1: somebody asks */
	uint32_t turn;  /* futex: the number of who is asked; 0: it has answered */
	int32_t want;   /* the number to come next */
	int32_t leader; /* is it a thread of that one? 0: it has to come yet */
	int32_t asker;  /* who is to be quick meanwhile */
	int32_t result;
};

struct restore_shared {      /* MAP_SHARED: coordinator, tasks, restorer blobs */
	uint32_t stage;      /* futex: the last stage that all have finished */
	uint32_t arrived;    /* how many have finished the next one */
	uint32_t expected;   /* when arrived reaches it, the coordinator is woken */
	uint32_t wake;       /* futex of the coordinator: changes when it should look */
	int32_t coordinator; /* its pid; 0: in another pid namespace than the root */
	uint32_t failed;     /* 1: somebody writes `error`; 2: it is written. Everybody gives up */
	uint32_t error_raw;  /* enum error_raw */
	int32_t not_born;    /* ERROR_OF_BIRTH, or OF_THREADS: who could not be */
	struct error error;  /* of the first that failed */
	struct restore_ids ids;
	/* robust futex of the coordinator, which tasks of any pid namespace see the end of: the
	 * kernel puts FUTEX_OWNER_DIED into `alive`, and nobody waits on */
	struct robust_list_head life;
	struct robust_list link;
	uint32_t alive;
	/* added to atomically by tasks, for stats-restore */
	uint64_t pages_compared, pages_skipped_cow, pages_restored;
	uint32_t nr_slots;
	struct restore_slot slots[];
};

/* Has somebody failed, or is the coordinator gone? Nobody waits on then. */
static inline int restore_is_over(const struct restore_shared *s)
{
	return __atomic_load_n(&s->failed, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&s->alive, __ATOMIC_ACQUIRE) & FUTEX_OWNER_DIED;
}
