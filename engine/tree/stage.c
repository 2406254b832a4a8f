/* SPDX-License-Identifier: MIT
 * Stages by futex in the shared page, and the watch for tasks that die without a word.
 */
#include "engine/tree/stage.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/futex.h"
#include "base/log.h"
#include "base/page.h"
#include "engine/context/shortage.h"
#include "engine/ns/ns.h"
#include "engine/ns/pid.h"
#include "engine/procfs/read.h"
#include "engine/tree/birth-error.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/giver.h"

#define WATCH_MS       100 /* how often the coordinator looks for dead tasks */
#define LOST_LOOKS     600 /* until who was born and has not told where it is is believed dead */
#define WRITING_CHECKS 50  /* looks until a failed task is believed dead while it told why */

size_t stage_shared_size(const struct restore *r)
{
	size_t size = sizeof(struct restore_shared) + r->plan->nr * sizeof(struct restore_slot);
	return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

/* Of this thread, which is the last to be gone. The C library's own list is for robust mutexes, and
 * there are none here. */
static int be_watched(struct restore_shared *s, struct error *err)
{
	s->alive = (uint32_t)gettid();
	s->link.next = &s->life.list;
	s->life.list.next = &s->link;
	s->life.futex_offset = (long)offsetof(struct restore_shared, alive) -
			       (long)offsetof(struct restore_shared, link);
	return syscall(SYS_set_robust_list, &s->life, sizeof(s->life)) < 0
		   ? error_sys(err, "be watched by the tasks (set_robust_list)")
		   : 0;
}

int stage_init(struct restore *r, struct error *err)
{
	void *at = mmap(NULL, stage_shared_size(r), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return error_sys(err, "map memory shared with the tasks");
	r->shared = at;
	r->shared->nr_slots = (uint32_t)r->plan->nr;
	r->shared->coordinator = ns_restores(r, NS_PID) ? 0 : getpid();
	return be_watched(r->shared, err);
}

void stage_fini(struct restore *r)
{
	if (!r->shared)
		return;
	syscall(SYS_set_robust_list, NULL, sizeof(struct robust_list_head));
	munmap(r->shared, stage_shared_size(r));
	r->shared = NULL;
}

static void wake_coordinator(struct restore_shared *s)
{
	__atomic_add_fetch(&s->wake, 1, __ATOMIC_RELEASE);
	futex_wake(&s->wake);
}

void stage_fail(struct restore_shared *s, const struct error *err)
{
	uint32_t nobody = 0;
	if (!__atomic_compare_exchange_n(&s->failed, &nobody, 1, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return;
	s->error = *err;
	__atomic_store_n(&s->failed, 2, __ATOMIC_RELEASE);
	wake_coordinator(s);
}

void stage_arrive(struct restore_shared *s, size_t slot, enum restore_stage stage, uint32_t nr)
{
	uint32_t expected = s->expected;
	__atomic_store_n(&s->slots[slot].stage, (uint32_t)stage, __ATOMIC_RELEASE);
	if (__atomic_add_fetch(&s->arrived, nr, __ATOMIC_ACQ_REL) == expected)
		wake_coordinator(s);
	for (;;) {
		uint32_t passed = __atomic_load_n(&s->stage, __ATOMIC_ACQUIRE);
		if (restore_is_over(s))
			_exit(1);
		if (passed >= (uint32_t)stage)
			return;
		futex_wait(&s->stage, passed, STAGE_LOOK_MS);
	}
}

void stage_start(struct restore *r, uint32_t expected)
{
	r->shared->expected = expected;
}

void stage_pass(struct restore *r, enum restore_stage stage, uint32_t expected)
{
	struct restore_shared *s = r->shared;
	s->arrived = 0;
	s->expected = expected;
	futex_set(&s->stage, (uint32_t)stage);
}

/* It tells where it is at once. One that ends before leaves nothing that could be looked at. */
static bool is_lost(struct restore_slot *slot, enum restore_stage stage)
{
	return stage == STAGE_BIRTH && slot->born && !slot->real && slot->looks++ >= LOST_LOOKS;
}

static int find_dead(struct restore *r, enum restore_stage stage, struct error *err)
{
	for (size_t i = 0; i < r->plan->nr; i++) {
		const struct birth *b = &r->plan->items[i];
		struct restore_slot *slot = &r->shared->slots[i];
		bool due = stage < STAGE_READY || !birth_is_mortal(b);
		if (!due || !slot->born || slot->stage >= (uint32_t)stage)
			continue;
		if (slot->real ? !proc_is_dead(slot->real) : !is_lost(slot, stage))
			continue;
		return error_set(
		    err, ESRCH,
		    "pid %d (%s) died while it was being restored (killed from outside, "
		    "or out of memory?): see the log of the kernel",
		    b->pid, b->task ? rtask_comm(b->task) : "a helper");
	}
	return 0;
}

static int take_failure(const struct restore *r, struct error *err)
{
	struct restore_shared *s = r->shared;
	for (int i = 0; i < WRITING_CHECKS && __atomic_load_n(&s->failed, __ATOMIC_ACQUIRE) == 1;
	     i++)
		nanosleep(&(struct timespec){ .tv_nsec = WATCH_MS * 1000000L }, NULL);
	if (s->failed == 1)
		return error_set(err, EIO, "a task died while it told why it failed");
	s->error.text[sizeof(s->error.text) - 1] = '\0';
	int code = s->error.code;
	switch ((enum error_raw)s->error_raw) {
	case ERROR_OF_THREADS:
		if (code == -EEXIST)
			return error_wrap(err, birth_error(r, s->not_born, code, err), "%s",
					  s->error.text);
		return error_code(err, code, "%s%s", s->error.text, shortage_of_tasks(code));
	case ERROR_OF_TASK:
		return error_code(err, code, "%s%s", s->error.text, shortage_of_maps(code));
	case ERROR_OF_BIRTH:
		return birth_error(r, s->not_born, code, err);
	default:
		return error_set(err, code, "%s", s->error.text);
	}
}

/* Who failed is believed first: others die of that. */
int stage_check(struct restore *r, enum restore_stage stage, struct error *err)
{
	struct error dead = { 0 };
	if (restore_is_over(r->shared))
		return take_failure(r, err);
	int rc = find_dead(r, stage, &dead);
	if (rc == 0)
		rc = givers_check(r, &dead);
	if (restore_is_over(r->shared))
		return take_failure(r, err);
	return rc < 0 ? error_set(err, -rc, "%s", dead.text) : 0;
}

int stage_wait(struct restore *r, enum restore_stage stage, struct error *err)
{
	struct restore_shared *s = r->shared;
	for (;;) {
		uint32_t wake = __atomic_load_n(&s->wake, __ATOMIC_ACQUIRE);
		if (restore_is_over(s))
			return take_failure(r, err);
		if (__atomic_load_n(&s->arrived, __ATOMIC_ACQUIRE) >= s->expected)
			return 0;
		futex_wait(&s->wake, wake, WATCH_MS);
		int rc = s->wake == wake ? stage_check(r, stage, err) : 0;
		if (rc < 0)
			return rc;
	}
}
