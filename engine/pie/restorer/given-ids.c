/* SPDX-License-Identifier: MIT
 * Threads of a task that may not choose their numbers itself any more: a giver (tree/giver.h) says
 * which comes next, and whether it came.
 */
#include <asm/errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <stdbool.h>

#include "engine/pie/clone.h"
#include "engine/pie/restorer/parts.h"
#include "engine/pie/syscalls.h"

#define TRIES       10000
#define TAKEN_TRIES 50 /* ms to wait for one of the tree that has a wrong number */
#define ALONE_SEC   1  /* how often who waits looks whether the restore has failed */

static void wait_while(struct restorer_args *args, uint32_t *word, uint32_t value)
{
	struct {
		int64_t sec, nsec;
	} timeout = { ALONE_SEC, 0 };
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value) {
		if (restore_is_over(args->shared))
			restorer_give_up();
		sys(SYS_futex, word, FUTEX_WAIT, value, &timeout, 0, 0);
	}
}

static void set_and_wake(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	sys(SYS_futex, word, FUTEX_WAKE, 1 << 30, 0, 0, 0);
}

static void lock(struct restorer_args *args)
{
	uint32_t *word = &args->shared->ids.lock;
	while (__atomic_exchange_n(word, 1, __ATOMIC_ACQ_REL))
		wait_while(args, word, 1);
}

static long ask(struct restorer_args *args, uint32_t giver, int32_t want, int32_t asker, bool came)
{
	struct restore_ids *ids = &args->shared->ids;
	ids->want = want;
	ids->asker = asker;
	ids->leader = came ? asker : 0;
	set_and_wake(&ids->turn, giver);
	wait_while(args, &ids->turn, giver);
	return ids->result;
}

/* @param came  has the task that thread, in all namespaces? Else: give its numbers next */
static long ask_all(struct restorer_args *args, const struct restorer_thread *t, bool came)
{
	long result = 0;
	for (uint32_t i = 0; i < t->nr_tids && (came || result >= 0); i++) {
		int32_t asker = args->threads[0].tids[i];
		long rc = args->givers[i] ? ask(args, args->givers[i], t->tids[i], asker, came) : 0;
		result = rc < 0 ? rc : result;
	}
	return result;
}

/* @return 0; 1: it got another number, and is gone again; -errno */
static long bear_once(struct restorer_args *args, struct clone_args *ca, struct thread_start *start)
{
	lock(args);
	long rc = ask_all(args, start->thread, false);
	long tid = rc < 0 ? rc : clone_onto_stack(ca, restorer_thread_main, start);
	rc = ask_all(args, start->thread, true);
	set_and_wake(&args->shared->ids.lock, 0);
	if (tid < 0)
		return tid;
	set_and_wake(&start->verdict, rc < 0 ? THREAD_IS_WRONG : THREAD_IS_RIGHT);
	if (rc < 0)
		wait_while(args, &start->lives, 1);
	return rc < 0;
}

int bears_given(const struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->threads[0].nr_tids; i++)
		if (args->givers[i])
			return 1;
	return 0;
}

long bear_given(struct restorer_args *args, struct clone_args *ca, struct thread_start *start)
{
	long rc = 1;
	struct {
		int64_t sec, nsec;
	} moment = { 0, 1000000 };
	ca->flags |= CLONE_CHILD_CLEARTID;
	ca->child_tid = (uintptr_t)&start->lives;
	for (ca->set_tid_size = 0; !args->givers[ca->set_tid_size]; ca->set_tid_size++)
		; /* those it may choose itself are the innermost */
	if (!ca->set_tid_size)
		ca->set_tid = 0;
	for (int i = 0, taken = 0; i < TRIES; i++) {
		if (rc == -EBUSY || rc == -EEXIST)
			sys(SYS_nanosleep, &moment, 0);
		start->verdict = THREAD_WAITS;
		start->lives = 1;
		rc = bear_once(args, ca, start);
		if (rc != 1 && rc != -EBUSY && (rc != -EEXIST || taken++ == TAKEN_TRIES))
			return rc;
	}
	return -EEXIST;
}

void await_verdict(struct thread_start *start)
{
	while (__atomic_load_n(&start->verdict, __ATOMIC_ACQUIRE) == THREAD_WAITS)
		sys(SYS_futex, &start->verdict, FUTEX_WAIT, THREAD_WAITS, 0, 0, 0);
	while (start->verdict == THREAD_IS_WRONG)
		sys(SYS_exit, 0);
}
