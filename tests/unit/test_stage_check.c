/* SPDX-License-Identifier: MIT
 * What the coordinator finds out of tasks that die without a word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/ns/set.h"
#include "engine/tree/birth-plan.h"
#include "engine/tree/stage.h"

struct fixture {
	struct birth birth; /* a helper */
	struct birth_plan plan;
	struct restore r;
	struct restore_slot *slot;
};

static void set_up(struct fixture *f)
{
	*f = (struct fixture){ .birth = { .pid = 70 } };
	f->plan = (struct birth_plan){ .items = &f->birth, .nr = 1 };
	f->r = (struct restore){ .plan = &f->plan, .ns = ns_set_new() };
	assert_non_null(f->r.ns);
	assert_int_equal(stage_init(&f->r, NULL), 0);
	f->slot = &f->r.shared->slots[0];
}

static void tear_down(struct fixture *f)
{
	stage_fini(&f->r);
	ns_set_free(f->r.ns);
}

static void stage_check_names_who_has_died(void **state)
{
	(void)state;
	struct fixture f;
	struct error err;
	set_up(&f);
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	f.slot->real = pid;
	assert_int_equal(stage_check(&f.r, STAGE_BIRTH, &err), 0); /* it is not born */
	f.slot->born = 1;
	assert_int_equal(stage_check(&f.r, STAGE_BIRTH, &err), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(stage_check(&f.r, STAGE_BIRTH, &err), -ESRCH);
	assert_non_null(strstr(err.text, "pid 70 (a helper) died"));
	f.slot->stage = STAGE_BIRTH;
	assert_int_equal(stage_check(&f.r, STAGE_BIRTH, &err), 0);
	tear_down(&f);
}

static void stage_check_gives_up_who_never_tells(void **state)
{
	(void)state;
	struct fixture f;
	struct error err;
	int looks = 0;
	set_up(&f);
	f.slot->born = 1;
	while (looks < 10000 && stage_check(&f.r, STAGE_BIRTH, &err) == 0)
		looks++;
	assert_in_range(looks, 100, 1000);
	assert_non_null(strstr(err.text, "pid 70 (a helper) died"));
	assert_int_equal(stage_check(&f.r, STAGE_READY, &err), 0);
	tear_down(&f);
}

static void stage_check_believes_who_failed_first(void **state)
{
	(void)state;
	struct fixture f;
	struct error err, why = { 0 };
	set_up(&f);
	error_set(&why, EIO, "this is why");
	stage_fail(f.r.shared, &why);
	f.slot->born = 1;
	f.slot->looks = 10000;
	assert_int_equal(stage_check(&f.r, STAGE_BIRTH, &err), -EIO);
	assert_string_equal(err.text, "this is why");
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stage_check_names_who_has_died),
		cmocka_unit_test(stage_check_gives_up_who_never_tells),
		cmocka_unit_test(stage_check_believes_who_failed_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
