/* SPDX-License-Identifier: MIT
 * What images say of nested pid and user namespaces and of message queues, and must not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ns/mqueue.h"
#include "engine/ns/pid.h"
#include "engine/ns/set.h"
#include "images/namespace-kind.h"

/* One task of two threads in one namespace below the root's. */
struct fixture {
	uint32_t tids[2], inside[2];
	PstreeLevel level, *levels[1];
	PstreeEntry entry;
	struct rtask task;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->tids[0] = 70;
	f->tids[1] = 71;
	f->inside[0] = 1;
	f->inside[1] = 5;
	pstree_level__init(&f->level);
	pstree_entry__init(&f->entry);
	f->level.ns_id = 9;
	f->level.threads = f->inside;
	f->level.n_threads = 2;
	f->levels[0] = &f->level;
	f->entry.pid = 70;
	f->entry.threads = f->tids;
	f->entry.n_threads = 2;
	f->entry.levels = f->levels;
	f->entry.n_levels = 1;
	f->task = (struct rtask){ .pid = 70, .tids = f->tids, .nr_threads = 2 };
}

static void pidns_load_takes_numbers_inside(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f);
	f.entry.has_children_ns = true;
	assert_int_equal(pidns_load(&f.task, &f.entry, NULL), 0);
	assert_int_equal(rtask_own_tid(&f.task, 0), 1);
	assert_int_equal(rtask_own_tid(&f.task, 1), 5);
	assert_int_equal(f.task.levels[0].ns, 9);
	assert_true(f.task.children_apart);
	pidns_unload(&f.task);
}

static void expect_bad_levels(struct fixture *f)
{
	assert_int_equal(pidns_load(&f->task, &f->entry, NULL), -EBADMSG);
	pidns_unload(&f->task);
	set_up(f);
}

static void pidns_load_refuses_what_makes_no_sense(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f);
	f.level.n_threads = 1;
	expect_bad_levels(&f);
	f.level.ns_id = 0;
	expect_bad_levels(&f);
	f.inside[1] = 0;
	expect_bad_levels(&f);
	f.inside[0] = 1u << 22;
	expect_bad_levels(&f);
	f.level.sid = 1u << 22;
	expect_bad_levels(&f);
	f.tids[0] = 71;
	expect_bad_levels(&f);
	f.entry.n_levels = PROC_PID_LEVELS;
	expect_bad_levels(&f);
}

static void mqueues_check_refuses_what_makes_no_sense(void **state)
{
	(void)state;
	char name[] = "queue", bytes[] = "text";
	IpcVarEntry e = IPC_VAR_ENTRY__INIT;
	MqueueMessage message = MQUEUE_MESSAGE__INIT, *messages[] = { &message };
	MqueueEntry queue = MQUEUE_ENTRY__INIT, *queues[] = { &queue };
	message.data.data = (uint8_t *)bytes;
	message.data.len = 4;
	queue.name = name;
	queue.maxmsg = 1;
	queue.msgsize = 4;
	queue.messages = messages;
	queue.n_messages = 1;
	e.mqueues = queues;
	e.n_mqueues = 1;
	assert_int_equal(mqueues_check(&e, NULL), 0);
	queue.msgsize = 3;
	assert_int_equal(mqueues_check(&e, NULL), -EBADMSG);
	queue.msgsize = 4;
	queue.maxmsg = 0;
	assert_int_equal(mqueues_check(&e, NULL), -EBADMSG);
	queue.maxmsg = 1;
	name[0] = '/';
	assert_int_equal(mqueues_check(&e, NULL), -EBADMSG);
	name[0] = 0;
	assert_int_equal(mqueues_check(&e, NULL), -EBADMSG);
}

static int take(UsernsEntry *e)
{
	struct user_maps *maps = calloc(1, sizeof(*maps));
	assert_non_null(maps);
	int rc = userns_take(e, maps, NULL);
	user_maps_free(maps);
	return rc;
}

static void userns_take_refuses_what_makes_no_sense(void **state)
{
	(void)state;
	UsernsEntry e = USERNS_ENTRY__INIT;
	UidGidExtent extent = UID_GID_EXTENT__INIT, *map[] = { &extent };
	NamespaceEntry one = NAMESPACE_ENTRY__INIT, *owned[] = { &one };
	extent.count = 5;
	e.uid_map = map;
	e.n_uid_map = 1;
	one.cflag = CLONE_NEWUTS;
	e.owned = owned;
	e.n_owned = 1;
	e.has_owner = true;
	e.owner = 10;
	assert_int_equal(take(&e), 0);
	one.cflag = CLONE_NEWUSER;
	assert_int_equal(take(&e), -EBADMSG);
	one.cflag = CLONE_NEWNS;
	assert_int_equal(take(&e), 0);
	one.cflag = 5;
	assert_int_equal(take(&e), -EBADMSG);
	one.cflag = CLONE_NEWUTS;
	e.owner = UINT32_MAX;
	assert_int_equal(take(&e), -EBADMSG);
	e.owner = 10;
	extent.first = UINT32_MAX;
	assert_int_equal(take(&e), -EBADMSG);
}

/* Namespaces 10 and 11 of users; 2 is that of the root. */
static int depth_of_two(uint32_t around_10, uint32_t around_11)
{
	struct user_maps maps[] = { { .around = around_10 }, { .around = around_11 } };
	struct ns_nested items[] = { { .kind = NS_USER, .id = 10, .users = &maps[0] },
				     { .kind = NS_USER, .id = 11, .users = &maps[1] } };
	struct ns_set set = { .nested = { .items = items, .nr = 2 } };
	const struct restore r = { .ns = &set };
	return userns_check_depth(&r, 10, NULL);
}

static void userns_check_depth_refuses_circles(void **state)
{
	(void)state;
	assert_int_equal(depth_of_two(2, 2), 0);
	assert_int_equal(depth_of_two(11, 2), 0);
	assert_int_equal(depth_of_two(10, 2), -EBADMSG);
	assert_int_equal(depth_of_two(11, 10), -EBADMSG);
}

static void userns_is_below_goes_all_the_way(void **state)
{
	(void)state;
	struct user_maps maps[] = { { .around = 2 }, { .around = 10 } };
	struct ns_nested items[] = { { .kind = NS_USER, .id = 10, .users = &maps[0] },
				     { .kind = NS_USER, .id = 11, .users = &maps[1] } };
	struct ns_set set = { .nested = { .items = items, .nr = 2 } };
	const struct restore r = { .ns = &set };
	assert_true(userns_is_below(&r, 11, 10) && userns_is_below(&r, 11, 11));
	assert_true(userns_is_below(&r, 11, 0) && userns_is_below(&r, 0, 0));
	assert_false(userns_is_below(&r, 10, 11) || userns_is_below(&r, 0, 10));
}

/* The engine has more to say of each, in an order of its own. */
static void ns_rows_are_the_kinds_of_the_images(void **state)
{
	(void)state;
	assert_int_equal((int)NS_KINDS, (int)NR_NAMESPACE_KINDS);
	for (int i = 0; i < NS_KINDS; i++) {
		const struct namespace_kind *kind = namespace_kind_of((uint32_t)ns_rows[i].flag);
		assert_non_null(kind);
		assert_string_equal(ns_rows[i].name, kind->name);
		assert_int_equal(ns_rows[i].has, kind->has);
		assert_int_equal(ns_rows[i].id, kind->id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ns_rows_are_the_kinds_of_the_images),
		cmocka_unit_test(pidns_load_takes_numbers_inside),
		cmocka_unit_test(pidns_load_refuses_what_makes_no_sense),
		cmocka_unit_test(mqueues_check_refuses_what_makes_no_sense),
		cmocka_unit_test(userns_take_refuses_what_makes_no_sense),
		cmocka_unit_test(userns_check_depth_refuses_circles),
		cmocka_unit_test(userns_is_below_goes_all_the_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
