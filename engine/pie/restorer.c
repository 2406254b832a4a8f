/* SPDX-License-Identifier: MIT
 * The restorer: the last code that runs in a restored task before its own.
 */
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/prctl.h>

#include "engine/pie/restorer/parts.h"
#include "engine/pie/syscalls.h"
#include "engine/pie/text.h"

#define ALONE_SEC 1 /* how often a waiting thread looks whether there is a coordinator */

/* Entered on the leader's stack in the arena, all signals blocked, nothing else to return to. */
__asm__(".section .text.entry, \"ax\"\n"
	".globl pie_entry\n"
	"pie_entry:\n"
	"	xor %ebp, %ebp\n"
	"	call restorer_main\n"
	"	ud2\n"
	".org pie_entry + 16\n" /* RESTORER_SYSCALL_OFFSET */
	"	syscall\n"
	"	ud2\n"
	".text\n");

static int fail(struct restorer_args *args, enum error_raw raw, const char *what, uint64_t at,
		long rc)
{
	struct restore_shared *s = args->shared;
	uint32_t nobody = 0;
	if (!__atomic_compare_exchange_n(&s->failed, &nobody, 1, 0, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return (int)rc;
	struct text t = text_in(s->error.text, sizeof(s->error.text));
	text_str(&t, "pid ");
	text_dec(&t, args->pid);
	text_str(&t, " (");
	text_str(&t, args->threads[0].comm);
	text_str(&t, "): ");
	text_str(&t, what);
	if (at) {
		text_str(&t, " ");
		if (at < 1 << 22)
			text_dec(&t, (int64_t)at);
		else
			text_hex(&t, at);
	}
	if (raw == ERROR_OF_BIRTH || raw == ERROR_OF_THREADS)
		s->not_born = (int32_t)at;
	s->error.code = (int)rc;
	s->error_raw = raw;
	__atomic_store_n(&s->failed, 2, __ATOMIC_RELEASE);
	__atomic_add_fetch(&s->wake, 1, __ATOMIC_RELEASE);
	sys(SYS_futex, &s->wake, FUTEX_WAKE, 1, 0, 0, 0);
	return (int)rc;
}

int restorer_fail(struct restorer_args *args, const char *what, uint64_t at, long rc)
{
	return fail(args, ERROR_OF_TASK, what, at, rc);
}

int restorer_fail_to_bear(struct restorer_args *args, int32_t tid, long rc)
{
	return fail(args, ERROR_OF_THREADS, "create thread", (uint64_t)tid, rc);
}

int restorer_fail_to_bear_child(struct restorer_args *args, int32_t pid, long rc)
{
	return fail(args, ERROR_OF_BIRTH, "bear task", (uint64_t)pid, rc);
}

_Noreturn void restorer_give_up(void)
{
	for (;;)
		sys(SYS_exit_group, 1);
}

_Noreturn void restorer_ready(struct restorer_args *args)
{
	struct restore_shared *s = args->shared;
	uint32_t expected = s->expected;
	if (__atomic_add_fetch(&s->arrived, 1, __ATOMIC_ACQ_REL) == expected) {
		__atomic_add_fetch(&s->wake, 1, __ATOMIC_RELEASE);
		sys(SYS_futex, &s->wake, FUTEX_WAKE, 1, 0, 0, 0);
	}
	for (;;) { /* until the coordinator stops this thread and sets its registers */
		struct {
			int64_t sec, nsec;
		} timeout = { ALONE_SEC, 0 };
		sys(SYS_futex, &s->stage, FUTEX_WAIT, STAGE_GROUPS, &timeout, 0, 0);
		if (restore_is_over(s))
			restorer_give_up();
	}
}

static void wait_for_threads(struct restorer_args *args)
{
	for (;;) {
		uint32_t done = __atomic_load_n(&args->threads_done, __ATOMIC_ACQUIRE);
		if (done == args->nr_threads - 1)
			return;
		sys(SYS_futex, &args->threads_done, FUTEX_WAIT, done, 0, 0, 0);
	}
}

/* struct flock of 64-bit machines */
struct lock_range {
	int16_t type, whence;
	int64_t start, len;
	int32_t pid;
};

static int restore_locks(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_locks; i++) {
		const struct restorer_lock *l = &args->locks[i];
		struct lock_range range = { .type = l->type, .start = l->start, .len = l->len };
		long rc = sys(SYS_fcntl, l->fd, F_SETLK, &range);
		if (rc < 0)
			return restorer_fail(args, "lock a file again, fd", (uint64_t)l->fd, rc);
	}
	return 0;
}

/* Descriptors of the restore; where the table is shared, the first closes them when nobody else
 * needs them any more. */
static int close_window(struct restorer_args *args)
{
	if (args->files_of) {
		uint32_t *left = &args->files_of->files_left;
		__atomic_add_fetch(left, 1, __ATOMIC_ACQ_REL);
		sys(SYS_futex, left, FUTEX_WAKE, 1, 0, 0, 0);
		return 0;
	}
	for (;;) {
		struct {
			int64_t sec, nsec;
		} timeout = { ALONE_SEC, 0 };
		uint32_t left = __atomic_load_n(&args->slot->files_left, __ATOMIC_ACQUIRE);
		if (left == args->files_shared)
			break;
		if (restore_is_over(args->shared))
			restorer_give_up();
		sys(SYS_futex, &args->slot->files_left, FUTEX_WAIT, left, &timeout, 0, 0);
	}
	long rc = sys(SYS_close_range, args->window_first, args->window_last, 0);
	return rc < 0 ? restorer_fail(args, "close descriptors from", args->window_first, rc) : 0;
}

static int finish(struct restorer_args *args)
{
	wait_for_threads(args); /* a change of credentials by any of them resets the flag */
	if (args->dumpable == 0 || args->dumpable == 1)
		sys(SYS_prctl, PR_SET_DUMPABLE, (long)args->dumpable, 0, 0, 0);
	long rc = close_window(args);
	if (rc < 0)
		return (int)rc;
	if ((rc = restore_locks(args)) < 0)
		return (int)rc;
	return restore_armed_timers(args);
}

__attribute__((used)) void restorer_main(struct restorer_args *args)
{
	if (restore_address_space(args) < 0 || restore_pieces(args) < 0 ||
	    restore_rings(args) < 0 || restore_mm_fields(args) < 0 || seal_memory(args) < 0 ||
	    restore_process_state(args) < 0)
		restorer_give_up();
	read_bounding_set(args);
	if (restore_children(args) < 0 || enter_users(args) < 0)
		restorer_give_up();
	if (args->label_early && restore_label(args, &args->threads[0]) < 0)
		restorer_give_up();
	if (restore_future_lock(args) < 0 || restore_threads(args) < 0 ||
	    restore_posix_timers(args) < 0 || restore_limits(args) < 0 ||
	    restore_thread_state(args, &args->threads[0]) < 0 || finish(args) < 0)
		restorer_give_up();
	args->slot->stage = STAGE_READY;
	restorer_ready(args);
}
