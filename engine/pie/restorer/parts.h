/* SPDX-License-Identifier: MIT
 * The steps of the restorer. Each returns 0, or -errno after restorer_fail() was told what.
 */
#pragma once

#include "engine/pie/restore-shared.h"
#include "engine/pie/restorer.h"

/**
 * Tell the coordinator, unless another task was first: "task PID: WHAT [AT]", the words for rc
 * are added there. @return rc
 */
int restorer_fail(struct restorer_args *args, const char *what, uint64_t at, long rc);
/** The same where a thread could not be made; the coordinator looks for who has its number. */
int restorer_fail_to_bear(struct restorer_args *args, int32_t tid, long rc);
/** The same where a child could not be. */
int restorer_fail_to_bear_child(struct restorer_args *args, int32_t pid, long rc);
/** Nothing more to be said: the whole task ends, the coordinator knows. */
_Noreturn void restorer_give_up(void);
/** Count this thread as done with STAGE_READY and sleep until the coordinator takes over. */
_Noreturn void restorer_ready(struct restorer_args *args);
/** All steps of a task; on the leader's stack. */
_Noreturn void restorer_main(struct restorer_args *args);

/* address-space.c */
int restore_address_space(struct restorer_args *args);
/** Advice and locks of one mapping that is in its place. */
int restore_advice(struct restorer_args *args, const struct restorer_vma *v);
/* children.c */
/** Bear those that start with this task's memory and descriptors, once all of that is in place. */
int restore_children(struct restorer_args *args);
/** Of one born so: what its memory has that the parent's has not. */
int restore_pieces(struct restorer_args *args);
/* unmovable.c: when all other mappings are in their places */
int restore_unmovable(struct restorer_args *args);
int restore_mm_fields(struct restorer_args *args);
/** When nothing of it has to be changed any more. */
int seal_memory(struct restorer_args *args);
/* aio.c */
int restore_rings(struct restorer_args *args);
/* credentials.c */
void read_bounding_set(struct restorer_args *args);
/** The label of a security module, of the calling thread. */
int restore_label(struct restorer_args *args, const struct restorer_thread *t);
/** Go into a user namespace inside of that of the tree, with all privileges there and none around
 * it; to be done while there are no other threads. */
int enter_users(struct restorer_args *args);
int restore_credentials(struct restorer_args *args, const struct restorer_thread *t);
/* threads.c */
struct clone_args;
/**
 * clone_onto_stack() with the numbers that `ca` names. Who has one may be about to end, or has and
 * cannot be seen any more: that is waited for a little.
 */
long bear_numbered(const struct restorer_args *args, const struct clone_args *ca,
		   void (*entry)(void *), void *arg);
enum { THREAD_WAITS, THREAD_IS_RIGHT, THREAD_IS_WRONG };
struct thread_start {
	struct restorer_args *args;
	const struct restorer_thread *thread;
	uint32_t verdict; /* futex */
	uint32_t lives;   /* futex: 0 when it is gone */
};
_Noreturn void restorer_thread_main(void *start);
int restore_threads(struct restorer_args *args);
/* given-ids.c: where somebody else has to choose the numbers of threads */
int bears_given(const struct restorer_args *args);
/** A thread. @return 0 or -errno */
long bear_given(struct restorer_args *args, struct clone_args *ca, struct thread_start *start);
/** In the thread. It returns if that got the right number. */
void await_verdict(struct thread_start *start);
/** Of the calling thread, credentials and death signal last. */
int restore_thread_state(struct restorer_args *args, const struct restorer_thread *t);
/** Queue what was pending; all signals are blocked. @param tid  0: for the whole process */
int restore_pending(struct restorer_args *args, int tid, const void *infos, uint32_t nr);
/* process.c */
int restore_process_state(struct restorer_args *args);
int restore_future_lock(struct restorer_args *args);
int restore_limits(struct restorer_args *args);
int restore_posix_timers(struct restorer_args *args);
/** Last of all, as time runs from here. */
int restore_armed_timers(struct restorer_args *args);
