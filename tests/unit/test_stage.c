/* SPDX-License-Identifier: MIT
 * Who waits in a restore goes on when that is over: somebody failed, or the coordinator is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/tree/adopt.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/stage.h"

#define PATIENCE_MS 5000
#define NOBODY      (1 << 24) /* above any pid */

struct seen { /* by a task, for the test: 1: it is over, 2: it is not */
	uint32_t before, after;
};

/* An orphan whose parent to be never comes. */
static _Noreturn void orphan_live(struct restore *r, struct seen *seen)
{
	struct error err;
	alarm(PATIENCE_MS / 1000);
	seen->before = restore_is_over(r->shared) ? 1 : 2;
	int rc = adopt(r, 1, &err);
	__atomic_store_n(&seen->after, rc == -ECANCELED ? 1 : 2, __ATOMIC_RELEASE);
	_exit(0);
}

/* A coordinator with one task, which ends, or fails. */
static void coordinate(struct seen *seen, bool fails)
{
	struct birth births[2] = { { .pid = NOBODY }, { .pid = NOBODY + 1, .orphan = true } };
	struct birth_plan plan = { .items = births, .nr = 2 };
	struct restore r = { .plan = &plan };
	const struct error why = { .code = -EIO, .text = "it went wrong" };
	if (stage_init(&r, NULL) < 0)
		_exit(1);
	if (fork() == 0)
		orphan_live(&r, seen);
	while (!__atomic_load_n(&seen->before, __ATOMIC_ACQUIRE))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	if (fails)
		stage_fail(r.shared, &why);
	while (fails && !__atomic_load_n(&seen->after, __ATOMIC_ACQUIRE))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	_exit(0);
}

static void check_seen(bool fails)
{
	struct seen *seen =
	    mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	assert_ptr_not_equal(seen, MAP_FAILED);
	pid_t pid = fork();
	if (pid == 0)
		coordinate(seen, fails);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int64_t end = clock_ms() + 2 * PATIENCE_MS;
	     clock_ms() < end && !__atomic_load_n(&seen->after, __ATOMIC_ACQUIRE);)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert_int_equal(seen->before, 2);
	assert_int_equal(seen->after, 1);
	munmap(seen, sizeof(*seen));
}

static void adopt_ends_when_the_coordinator_is_gone(void **state)
{
	(void)state;
	check_seen(false);
}

static void adopt_ends_when_somebody_failed(void **state)
{
	(void)state;
	check_seen(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adopt_ends_when_the_coordinator_is_gone),
		cmocka_unit_test(adopt_ends_when_somebody_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
