/* SPDX-License-Identifier: MIT
 * What images say of namespaces that no task is in, and must not.
 */
#include "tests/unit/image_fixture.h"

#include <errno.h>

#include "engine/files/set.h"
#include "engine/ns/mnt-held.h"
#include "engine/ns/nested.h"
#include "engine/ns/pid-held.h"
#include "engine/ns/set.h"
#include "engine/ns/user.h"
#include "namespaces.pb-c.h"

#define ROOT_NS 3 /* of pids and of users */

struct fixture {
	struct temp_dir *dir;
	TaskKobjIdsEntry ids;
	struct rtask task, *tasks[1];
	struct restore r;
};

static void set_up(struct fixture *f, void **state)
{
	*f = (struct fixture){ .dir = *state };
	task_kobj_ids_entry__init(&f->ids);
	f->ids.has_pid_ns_id = f->ids.has_user_ns_id = true;
	f->ids.pid_ns_id = f->ids.user_ns_id = ROOT_NS;
	f->task = (struct rtask){ .pid = 70, .state = TASK_ALIVE, .ids = &f->ids };
	f->tasks[0] = &f->task;
	f->r = (struct restore){ .tasks = f->tasks,
				 .nr_tasks = 1,
				 .root = &f->task,
				 .images = open_dir(f->dir),
				 .ns = ns_set_new() };
	f->r.dumper_ids[NS_USER] = f->r.dumper_ids[NS_PID] = 1;
	assert_non_null(f->r.ns);
}

static void tear_down(struct fixture *f)
{
	source_close(f->r.images);
	ns_set_free(f->r.ns);
}

static void put_pids(const struct fixture *f, uint32_t id, uint32_t around)
{
	PidnsEntry e = PIDNS_ENTRY__INIT;
	e.has_parent_ns = around != 0;
	e.parent_ns = around;
	assert_int_equal(image_write_one(f->dir->fd, IMG_PIDNS, id, &e.base, NULL), 0);
}

static void put_users(const struct fixture *f, uint32_t id, uint32_t around, uint32_t count)
{
	UsernsEntry e = USERNS_ENTRY__INIT;
	UidGidExtent x = UID_GID_EXTENT__INIT, *list[] = { &x };
	x.count = count;
	e.uid_map = list;
	e.n_uid_map = 1;
	e.has_parent_ns = e.has_owner = around != 0;
	e.parent_ns = around;
	assert_int_equal(image_write_one(f->dir->fd, IMG_USERNS, id, &e.base, NULL), 0);
}

static void pid_held_load_takes_what_is_around_it(void **state)
{
	struct fixture f;
	set_up(&f, state);
	put_pids(&f, 10, ROOT_NS);
	put_pids(&f, 11, 10);
	assert_int_equal(pid_held_load(&f.r, ROOT_NS, NULL), 0);
	assert_int_equal(f.r.ns->dead.nr, 0);
	assert_int_equal(pid_held_load(&f.r, 11, NULL), 0);
	assert_int_equal(pid_held_load(&f.r, 10, NULL), 0);
	assert_int_equal(f.r.ns->dead.nr, 2);
	assert_int_equal(f.r.ns->dead.items[0].id, 10);
	assert_int_equal(f.r.ns->dead.items[1].around, 10);
	tear_down(&f);
}

static void pid_held_load_refuses_circles(void **state)
{
	struct fixture f;
	set_up(&f, state);
	put_pids(&f, 10, 11);
	put_pids(&f, 11, 10);
	put_pids(&f, 12, 0);
	assert_int_equal(pid_held_load(&f.r, 10, NULL), -EBADMSG);
	assert_int_equal(pid_held_load(&f.r, 11, NULL), -EBADMSG);
	assert_int_equal(pid_held_load(&f.r, 12, NULL), -EBADMSG);
	tear_down(&f);
}

/* Of a task that is in one of them. */
static int load_users(struct fixture *f, uint32_t id)
{
	TaskKobjIdsEntry ids = f->ids;
	struct rtask inside = { .pid = 71, .state = TASK_ALIVE, .ids = &ids },
		     *tasks[] = { &inside };
	struct file_set files = { 0 };
	ids.user_ns_id = id;
	f->r.tasks = tasks;
	f->r.files = &files;
	int rc = ns_nested_load(&f->r, NULL);
	f->r.tasks = f->tasks;
	f->r.files = NULL;
	return rc;
}

/* As one calls the other, many would take the whole stack. */
static void loads_refuse_more_than_can_be_inside_of_each_other(void **state)
{
	struct fixture f;
	set_up(&f, state);
	for (uint32_t i = 0; i < 40; i++) {
		put_pids(&f, 10 + i, i ? 9 + i : ROOT_NS);
		put_users(&f, 10 + i, i ? 9 + i : ROOT_NS, 5);
	}
	assert_int_equal(pid_held_load(&f.r, 49, NULL), -EBADMSG);
	assert_int_equal(load_users(&f, 49), -EBADMSG);
	assert_true(f.r.ns->nested.nr <= USERNS_LEVELS + 1);
	assert_int_equal(pid_held_load(&f.r, 20, NULL), 0);
	tear_down(&f);
}

static void pid_held_load_children_knows_one_task_for_each(void **state)
{
	struct fixture f;
	set_up(&f, state);
	struct rtask other = f.task;
	f.task.children_apart = other.children_apart = true;
	f.task.children_ns = other.children_ns = 10;
	put_pids(&f, 10, ROOT_NS);
	assert_int_equal(pid_held_load_children(&f.r, &f.task, NULL), 0);
	assert_true(f.task.children_dead);
	assert_int_equal(pid_held_load_children(&f.r, &other, NULL), -EBADMSG);
	tear_down(&f);
}

static void userns_load_takes_what_is_around_it(void **state)
{
	struct fixture f;
	set_up(&f, state);
	put_users(&f, 10, 11, 5);
	put_users(&f, 11, ROOT_NS, 6);
	assert_int_equal(load_users(&f, 10), 0);
	assert_int_equal(f.r.ns->nested.nr, 2);
	assert_int_equal(ns_nested_find(&f.r, NS_USER, 10)->users->around, 11);
	assert_int_equal(ns_nested_find(&f.r, NS_USER, 11)->users->kinds[ID_USER].items[0].count,
			 6);
	assert_true(userns_is_below(&f.r, 10, 11));
	assert_false(userns_is_below(&f.r, 11, 10));
	tear_down(&f);
}

static void userns_load_refuses_what_makes_no_sense(void **state)
{
	static const struct {
		uint32_t around, count;
		int rc;
	} rows[] = {
		{ 0, 5, -ENOTSUP },
		{ 10, 5, -EBADMSG },
		{ ROOT_NS, 0, -EBADMSG },
		{ 20, 5, -EBADMSG },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f;
		set_up(&f, state);
		put_users(&f, 10, rows[i].around, rows[i].count);
		put_users(&f, 20, 10, 5);
		assert_int_equal(load_users(&f, 10), rows[i].rc);
		tear_down(&f);
	}
}

static void mnt_held_check_wants_its_mounts(void **state)
{
	struct fixture f;
	set_up(&f, state);
	f.ids.has_mnt_ns_id = true;
	f.ids.mnt_ns_id = ROOT_NS;
	assert_int_equal(mnt_held_check(&f.r, ROOT_NS, NULL), 0);
	assert_int_equal(mnt_held_check(&f.r, 10, NULL), -EINVAL);
	f.r.mounts = mnt_tree_new();
	assert_int_equal(mnt_held_check(&f.r, 10, NULL), -EBADMSG);
	mnt_tree_free(f.r.mounts);
	tear_down(&f);
}

static void ns_seen_holder_names_the_descriptor(void **state)
{
	(void)state;
	char text[96];
	struct ns_seen seen[] = { { .kind = NS_UTS, .ino = 5 }, { .kind = NS_UTS, .ino = 6 } };
	struct ns_table table = { .items = seen, .nr = 2 };
	const struct dump d = { .ns = &table };
	ns_note_holder(&d, &seen[1], "pid 70 (name): fd 5");
	assert_string_equal(ns_seen_holder(&seen[0], text, sizeof(text)),
			    "a descriptor leads to namespace 5");
	assert_string_equal(ns_seen_holder(&seen[1], text, sizeof(text)), "pid 70 (name): fd 5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(pid_held_load_takes_what_is_around_it),
		TEMP_TEST(pid_held_load_refuses_circles),
		TEMP_TEST(loads_refuse_more_than_can_be_inside_of_each_other),
		TEMP_TEST(pid_held_load_children_knows_one_task_for_each),
		TEMP_TEST(userns_load_takes_what_is_around_it),
		TEMP_TEST(userns_load_refuses_what_makes_no_sense),
		TEMP_TEST(mnt_held_check_wants_its_mounts),
		TEMP_TEST(ns_seen_holder_names_the_descriptor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
