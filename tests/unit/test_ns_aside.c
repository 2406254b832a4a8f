/* SPDX-License-Identifier: MIT
 * Visits by a process that shares this one's memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "engine/ns/aside.h"

static int hide_memory(void *ctx, struct error *err)
{
	(void)err;
	*(pid_t *)ctx = getpid();
	return prctl(PR_SET_DUMPABLE, 0) == 0 ? 7 : -errno;
}

static int be_killed(void *ctx, struct error *err)
{
	(void)ctx, (void)err;
	return raise(SIGKILL);
}

static void ns_aside_leaves_the_memory_as_it_was(void **state)
{
	(void)state;
	pid_t pid = 0;
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	assert_int_equal(ns_aside(hide_memory, &pid, NULL), 7);
	assert_true(pid && pid != getpid());
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
}

static void ns_aside_tells_who_was_killed(void **state)
{
	(void)state;
	struct error err;
	assert_int_equal(ns_aside(be_killed, NULL, &err), -ECHILD);
	assert_non_null(strstr(err.text, "has died of signal 9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ns_aside_leaves_the_memory_as_it_was),
		cmocka_unit_test(ns_aside_tells_who_was_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
