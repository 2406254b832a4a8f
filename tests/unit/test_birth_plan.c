/* SPDX-License-Identifier: MIT
 * Who is born from whom, for trees as they come about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "engine/tree/birth-plan.h"

#define MAX_TASKS 16

struct row { /* as in pstree.img */
	pid_t pid, ppid, pgid, sid;
	enum task_state state;
	uint32_t ns; /* a pid namespace below the root's, where it has the numbers that follow */
	pid_t inside, inside_pgid, inside_sid;
};

struct tree {
	struct rtask tasks[MAX_TASKS], *pointers[MAX_TASKS];
	uint32_t tids[MAX_TASKS], inside[MAX_TASKS];
	struct pid_level levels[MAX_TASKS];
	struct birth_plan plan;
	struct error err;
	int rc;
};

static void set_tasks(struct tree *t, const struct row *rows, size_t nr)
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < nr; i++) {
		t->tids[i] = (uint32_t)rows[i].pid;
		t->tasks[i] = (struct rtask){ .pid = rows[i].pid,
					      .ppid = rows[i].ppid,
					      .pgid = rows[i].pgid,
					      .sid = rows[i].sid,
					      .state = rows[i].state ? rows[i].state : TASK_ALIVE,
					      .tids = &t->tids[i],
					      .levels = &t->levels[i],
					      .nr_levels = rows[i].ns != 0,
					      .nr_threads = 1 };
		t->inside[i] = (uint32_t)rows[i].inside;
		t->levels[i] = (struct pid_level){ .ns = rows[i].ns,
						   .pgid = rows[i].inside_pgid,
						   .sid = rows[i].inside_sid,
						   .tids = &t->inside[i] };
		t->pointers[i] = &t->tasks[i];
	}
}

static void plan(struct tree *t, const struct row *rows, size_t nr, bool shell_job)
{
	set_tasks(t, rows, nr);
	t->rc = birth_plan_make(t->pointers, nr, shell_job, &t->plan, &t->err);
}
#define PLAN(t, shell_job, ...)                                                                    \
	plan(t, (struct row[]){ __VA_ARGS__ },                                                     \
	     sizeof((struct row[]){ __VA_ARGS__ }) / sizeof(struct row), shell_job)

static const struct birth *birth_of(const struct tree *t, pid_t pid)
{
	for (size_t i = 0; i < t->plan.nr; i++)
		if (t->plan.items[i].pid == pid)
			return &t->plan.items[i];
	fail_msg("pid %d is never born", pid);
	return NULL;
}

static pid_t bearer_of(const struct tree *t, pid_t pid)
{
	return t->plan.items[birth_of(t, pid)->by].pid;
}

static void plan_follows_parents_in_one_session(void **state)
{
	(void)state;
	struct tree t;
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 10, 10 }, { 12, 11, 12, 10 },
	     { 13, 10, 12, 10 });
	assert_int_equal(t.rc, 0);
	assert_int_equal(t.plan.nr, 4);
	assert_true(birth_of(&t, 10)->by == BIRTH_BY_COORDINATOR);
	assert_int_equal(bearer_of(&t, 12), 11);
	assert_false(birth_of(&t, 12)->early);
	assert_int_equal(birth_of(&t, 13)->pgid, 12);
	assert_int_equal(t.tasks[2].slot, 2);
	birth_plan_fini(&t.plan);
}

static void plan_bears_children_of_the_old_session_early(void **state)
{
	(void)state;
	struct tree t;
	/* 12 was forked before 11 called setsid(), 13 after */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 11, 11 }, { 12, 11, 10, 10 },
	     { 13, 11, 11, 11 });
	assert_int_equal(t.rc, 0);
	assert_true(birth_of(&t, 12)->early);
	assert_false(birth_of(&t, 13)->early);
	assert_false(birth_of(&t, 11)->early);
	birth_plan_fini(&t.plan);
}

static void plan_bears_early_through_several_leaders(void **state)
{
	(void)state;
	struct tree t;
	/* all of 11, 12, 13 were forked before any of them called setsid() */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 11, 11 }, { 12, 11, 12, 12 },
	     { 13, 12, 10, 10 });
	assert_int_equal(t.rc, 0);
	assert_true(birth_of(&t, 13)->early);
	assert_true(birth_of(&t, 12)->early);
	assert_false(birth_of(&t, 11)->early);
	birth_plan_fini(&t.plan);
}

static void plan_plays_a_dead_session_leader(void **state)
{
	(void)state;
	struct tree t;
	/* 20 made a session, forked 21 and 22 and died; 10 is a subreaper */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 21, 10, 20, 20 }, { 22, 10, 22, 20 });
	assert_int_equal(t.rc, 0);
	const struct birth *helper = birth_of(&t, 20);
	assert_null(helper->task);
	assert_true(birth_is_mortal(helper));
	assert_int_equal(bearer_of(&t, 20), 10);
	assert_int_equal(bearer_of(&t, 21), 20);
	assert_true(birth_of(&t, 21)->sibling);
	assert_int_equal(bearer_of(&t, 22), 20);
	assert_ptr_equal(t.tasks[2].memory_of, &t.tasks[0]);
	assert_int_equal(t.plan.nr, 4);
	birth_plan_fini(&t.plan);
}

static void plan_bears_an_orphan_from_its_living_session_leader(void **state)
{
	(void)state;
	struct tree t;
	/* 20 forked a child that forked 22 and died; 10 is a subreaper */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 20, 10, 20, 20 }, { 22, 10, 20, 20 });
	assert_int_equal(t.rc, 0);
	assert_int_equal(bearer_of(&t, 22), 20);
	assert_true(birth_of(&t, 22)->sibling);
	assert_ptr_equal(t.tasks[2].memory_of, &t.tasks[1]);
	assert_int_equal(t.plan.items[birth_of(&t, 22)->parent].pid, 10);
	birth_plan_fini(&t.plan);
}

static void plan_plays_a_dead_group_leader(void **state)
{
	(void)state;
	struct tree t;
	PLAN(&t, false, { 10, 1, 10, 10 }, { 12, 10, 11, 10 }, { 13, 12, 11, 10 });
	assert_int_equal(t.rc, 0);
	const struct birth *helper = birth_of(&t, 11);
	assert_null(helper->task);
	assert_int_equal(helper->pgid, 11);
	assert_int_not_equal(helper->sid, 11);
	assert_int_equal(t.plan.nr, 4);
	birth_plan_fini(&t.plan);
}

static void plan_uses_a_zombie_as_group_leader(void **state)
{
	(void)state;
	struct tree t;
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 11, 10, TASK_ZOMBIE }, { 12, 10, 11, 10 });
	assert_int_equal(t.rc, 0);
	assert_int_equal(t.plan.nr, 3);
	assert_true(birth_is_mortal(birth_of(&t, 11)));
	birth_plan_fini(&t.plan);
}

static void plan_refuses_a_foreign_session(void **state)
{
	(void)state;
	struct tree t;
	PLAN(&t, false, { 10, 5, 10, 5 }, { 11, 10, 10, 5 });
	assert_int_equal(t.rc, -EINVAL);
	assert_non_null(strstr(t.err.text, "pid 10"));
	assert_non_null(strstr(t.err.text, "--shell-job"));
}

static void plan_inherits_a_foreign_session_as_shell_job(void **state)
{
	(void)state;
	struct tree t;
	PLAN(&t, true, { 10, 5, 8, 5 }, { 11, 10, 8, 5 }, { 12, 10, 12, 5 }, { 14, 12, 13, 5 });
	assert_int_equal(t.rc, 0);
	assert_int_equal(birth_of(&t, 10)->pgid, 0);
	assert_int_equal(birth_of(&t, 11)->pgid, 0);
	assert_int_equal(birth_of(&t, 12)->pgid, 12);
	assert_null(birth_of(&t, 13)->task);
	birth_plan_fini(&t.plan);
}

static void plan_refuses_impossible_numbers(void **state)
{
	(void)state;
	struct tree t;
	/* a leader outside its own group */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 10, 11 });
	assert_int_equal(t.rc, -EBADMSG);
	/* a group across sessions */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 11, 11 }, { 12, 10, 11, 10 });
	assert_int_equal(t.rc, -EBADMSG);
	/* a parent that is not there */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 9, 11, 11 });
	assert_int_equal(t.rc, -EBADMSG);
	/* the root in a session led by its child */
	PLAN(&t, true, { 10, 1, 11, 11 }, { 11, 10, 11, 11 });
	assert_int_equal(t.rc, -EBADMSG);
	/* a session led from where no birth could come: its own child, below a sibling of its
	 * parent */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 13, 13 }, { 13, 11, 13, 13 });
	assert_int_equal(t.rc, -ENOTSUP);
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 10, 10 }, { 12, 10, 12, 12 },
	     { 13, 11, 12, 12 });
	assert_int_equal(t.rc, -ENOTSUP);
	/* two that lead each other's session, from below */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 14, 14 }, { 12, 10, 13, 13 },
	     { 13, 11, 13, 13 }, { 14, 12, 14, 14 });
	assert_int_equal(t.rc, -ENOTSUP);
}

static void plan_bears_an_orphan_of_a_distant_leader_from_a_helper(void **state)
{
	(void)state;
	struct tree t;
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 10, 10 }, { 12, 11, 12, 12 },
	     { 13, 10, 12, 12 });
	assert_int_equal(t.rc, 0);
	const struct birth *orphan = birth_of(&t, 13), *helper = &t.plan.items[orphan->by];
	assert_true(orphan->orphan);
	assert_int_equal(t.plan.items[orphan->parent].pid, 10);
	assert_null(helper->task);
	assert_true(helper->any_pid);
	assert_int_equal(helper->pid, 14);
	assert_int_equal(t.plan.items[helper->by].pid, 12);
	assert_ptr_equal(t.tasks[3].memory_of, &t.tasks[2]);
	birth_plan_fini(&t.plan);
}

static void plan_bears_an_orphan_of_a_zombie_from_a_helper(void **state)
{
	(void)state;
	struct tree t;
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 10, 10 }, { 12, 11, 12, 12, TASK_ZOMBIE },
	     { 13, 10, 12, 12 });
	assert_int_equal(t.rc, 0);
	assert_true(birth_of(&t, 13)->orphan);
	assert_int_equal(t.plan.items[t.plan.items[birth_of(&t, 13)->by].by].pid, 12);
	assert_ptr_equal(t.tasks[3].memory_of, &t.tasks[1]);
	birth_plan_fini(&t.plan);
}

static void plan_goes_into_pid_namespaces(void **state)
{
	(void)state;
	struct tree t;
	/* 11 makes one, whose pid 1 is 12; 13 is born into that from outside, 14 in it */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 11, 10 },
	     { 12, 11, 11, 10, .ns = 7, .inside = 1 }, { 13, 10, 10, 10, .ns = 7, .inside = 2 },
	     { 14, 12, 15, 15, .ns = 7, .inside = 3, .inside_pgid = 4, .inside_sid = 4 });
	assert_int_equal(t.rc, 0);
	const struct birth *first = birth_of(&t, 12), *visitor = birth_of(&t, 13);
	assert_int_equal(birth_into(&t.plan, first), BIRTH_NEW);
	assert_int_equal(birth_into(&t.plan, visitor), BIRTH_ENTER);
	assert_int_equal(birth_into(&t.plan, birth_of(&t, 14)), BIRTH_SAME);
	assert_int_equal(birth_init(&t.plan, 7), 2);
	assert_true(birth_hands_on_group(&t.plan, 1)); /* to 12, which has no number for it */
	assert_false(birth_hands_on_group(&t.plan, 2));
	assert_int_equal(birth_seen_as(first, birth_of(&t, 14)), 1);
	assert_int_equal(birth_seen_as(birth_of(&t, 14), birth_of(&t, 10)), 14);
	assert_int_equal(birth_seen_as(birth_of(&t, 10), first), 0);
	/* the session's leader has ended: a helper, with its number inside */
	const struct birth *helper = birth_of(&t, 15);
	assert_null(helper->task);
	assert_int_equal(helper->place.nr, 1);
	assert_int_equal(helper->place.pid[0], 4);
	birth_plan_fini(&t.plan);
}

static void plan_refuses_impossible_pid_namespaces(void **state)
{
	(void)state;
	struct tree t;
	/* without a pid 1; with one that has left the group its child is in; born from inside */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 10, 10, .ns = 7, .inside = 2 });
	assert_int_equal(t.rc, -ENOTSUP);
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 11, 10 },
	     { 12, 11, 10, 10, .ns = 7, .inside = 1 });
	assert_int_equal(t.rc, -ENOTSUP);
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 10, 10, .ns = 7, .inside = 1 },
	     { 12, 11, 10, 10 });
	assert_int_equal(t.rc, -ENOTSUP);
}

/* Nobody would be found to be pid 1 of the outer one. */
static void plan_refuses_pid_namespaces_that_are_elsewhere(void **state)
{
	(void)state;
	struct row rows[] = { { 10, 1, 10, 10 },
			      { 11, 10, 11, 11, .ns = 6, .inside = 1, .inside_pgid = 1,
				.inside_sid = 1 },
			      { 12, 11, 12, 12, .ns = 5, .inside = 1 },
			      { 13, 10, 13, 13, .ns = 5, .inside = 2 } };
	struct tree t;
	uint32_t numbers[] = { 2, 9 };
	struct pid_level inner[] = { { 6, 2, 2, &numbers[0] }, { 5, 1, 1, &t.inside[2] } },
			 elsewhere[] = { { 77, 9, 9, &numbers[1] }, { 5, 2, 2, &t.inside[3] } };
	for (int i = 0; i < 2; i++) {
		set_tasks(&t, rows, 4);
		t.tasks[2].levels = inner;
		t.tasks[3].levels = elsewhere;
		t.tasks[2].nr_levels = t.tasks[3].nr_levels = 2;
		elsewhere[0].ns = i ? 77 : 6;
		t.rc = birth_plan_make(t.pointers, 4, false, &t.plan, &t.err);
		assert_int_equal(t.rc, i ? -ENOTSUP : 0);
		birth_plan_fini(&t.plan);
	}
	/* two first ones of the same */
	PLAN(&t, false, { 10, 1, 10, 10 }, { 11, 10, 11, 11, .ns = 7, .inside = 1 },
	     { 12, 10, 12, 12, .ns = 7, .inside = 1 });
	assert_int_equal(t.rc, -ENOTSUP);
}

static void choose_next_starts_over_above_pid_max(void **state)
{
	(void)state;
	struct birth b = { .pid = 70, .place = { .nr = 1, .pid = { 400 } } };
	birth_choose_next(&b, EEXIST);
	assert_int_equal(b.pid, 71);
	assert_int_equal(b.place.pid[0], 401);
	birth_choose_next(&b, EINVAL);
	assert_int_equal(b.pid, 300);
	assert_int_equal(b.place.pid[0], 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_follows_parents_in_one_session),
		cmocka_unit_test(plan_bears_children_of_the_old_session_early),
		cmocka_unit_test(plan_bears_early_through_several_leaders),
		cmocka_unit_test(plan_plays_a_dead_session_leader),
		cmocka_unit_test(plan_bears_an_orphan_from_its_living_session_leader),
		cmocka_unit_test(plan_bears_an_orphan_of_a_distant_leader_from_a_helper),
		cmocka_unit_test(plan_bears_an_orphan_of_a_zombie_from_a_helper),
		cmocka_unit_test(plan_plays_a_dead_group_leader),
		cmocka_unit_test(plan_uses_a_zombie_as_group_leader),
		cmocka_unit_test(plan_refuses_a_foreign_session),
		cmocka_unit_test(plan_inherits_a_foreign_session_as_shell_job),
		cmocka_unit_test(plan_refuses_impossible_numbers),
		cmocka_unit_test(plan_goes_into_pid_namespaces),
		cmocka_unit_test(plan_refuses_impossible_pid_namespaces),
		cmocka_unit_test(plan_refuses_pid_namespaces_that_are_elsewhere),
		cmocka_unit_test(choose_next_starts_over_above_pid_max),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
