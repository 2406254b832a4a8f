/* SPDX-License-Identifier: MIT
 * What mounts of a tree are made from, and which trees of mounts nobody could make.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ns/mnt-names.h"
#include "engine/ns/mnt-tree.h"

#define NS     13
#define NESTED 14

struct row {
	uint32_t id, parent, dev;
	Fstype type;
	const char *root, *place;
	uint32_t shared, master;
	const char *key; /* external */
	uint32_t ns;
};

static int add(struct mnt_tree *tree, const struct row *row, struct error *err)
{
	MntEntry *e = calloc(1, sizeof(*e));
	assert_non_null(e);
	mnt_entry__init(e);
	e->mnt_id = row->id;
	e->parent_mnt_id = row->parent;
	e->root_dev = row->dev;
	e->fstype = row->type;
	e->root = strdup(row->root);
	e->mountpoint = strdup(row->place);
	e->source = strdup("source");
	e->options = strdup("");
	e->has_shared_id = e->has_master_id = true;
	e->shared_id = row->shared;
	e->master_id = row->master;
	e->ext_key = row->key ? strdup(row->key) : NULL;
	return mnt_tree_add(tree, row->ns ? row->ns : NS, e, err);
}

static int plan(struct mnt_tree **out, const struct row *rows, size_t nr, struct error *err)
{
	struct mnt_tree *tree = *out = mnt_tree_new();
	assert_non_null(tree);
	tree->root_ns = NS;
	tree->late_pids = true;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = add(tree, &rows[i], err);
	if (rc == 0)
		rc = mnt_tree_link(tree, err);
	return rc < 0 ? rc : mnt_plan(tree, err);
}
#define PLAN(tree, err, ...)                                                                       \
	plan(tree, (struct row[]){ __VA_ARGS__ },                                                  \
	     sizeof((struct row[]){ __VA_ARGS__ }) / sizeof(struct row), err)
#define ROOT                                                                                       \
	{                                                                                          \
		1, 0, 8, FSTYPE__UNSUPPORTED, "/box", "/", 0, 0, NULL, 0                           \
	}

static void expect(int rc, int want, struct error *err, const char *text, struct mnt_tree *tree)
{
	assert_int_equal(rc, want);
	if (!strstr(err->text, text))
		fail_msg("\"%s\" does not say %s", err->text, text);
	mnt_tree_free(tree);
}

static void plan_takes_parts_of_the_root_from_it(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	assert_int_equal(
	    PLAN(&tree, &err, { 2, 1, 8, FSTYPE__UNSUPPORTED, "/box/etc", "/mnt" }, ROOT), 0);
	const struct mnt_source *s = mnt_tree_find(tree, 2)->source;
	assert_int_equal(s->kind, MNT_FROM_ROOT);
	assert_string_equal(s->root, "/box");
	assert_int_equal(tree->order[0]->e->mnt_id, 1);
	mnt_tree_free(tree);
}

static void plan_refuses_what_is_outside_of_the_root(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	int rc = PLAN(&tree, &err, ROOT, { 2, 1, 8, FSTYPE__UNSUPPORTED, "/boxes", "/mnt" });
	expect(rc, -ENOTSUP, &err, "--external mnt[/mnt]:NAME", tree);
}

static void plan_takes_external_mounts_and_their_parts_from_outside(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	assert_int_equal(PLAN(&tree, &err, ROOT,
			      { 2, 1, 9, FSTYPE__UNSUPPORTED, "/vol", "/vol", 0, 0, "vol" },
			      { 3, 1, 9, FSTYPE__UNSUPPORTED, "/vol/a", "/mnt" }),
			 0);
	assert_int_equal(mnt_tree_find(tree, 2)->source->kind, MNT_FROM_EXTERNAL);
	assert_ptr_equal(mnt_tree_find(tree, 3)->source, mnt_tree_find(tree, 2)->source);
	mnt_tree_free(tree);
}

static void plan_makes_a_file_system_once(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	assert_int_equal(PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__TMPFS, "/dir", "/a" },
			      { 3, 1, 20, FSTYPE__TMPFS, "/", "/b" },
			      { 4, 1, 20, FSTYPE__TMPFS, "/dir/x", "/c" },
			      { 5, 4, 21, FSTYPE__TMPFS, "/", "/c/d" }),
			 0);
	const struct mnt_source *s = mnt_tree_find(tree, 2)->source;
	assert_int_equal(s->kind, MNT_FROM_NEW);
	assert_ptr_equal(s->of, mnt_tree_find(tree, 3));
	assert_ptr_equal(s, mnt_tree_find(tree, 4)->source);
	assert_ptr_not_equal(s, mnt_tree_find(tree, 5)->source);
	mnt_tree_free(tree);
}

static void plan_refuses_a_part_whose_whole_is_nowhere(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	int rc = PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__TMPFS, "/dir", "/a" });
	expect(rc, -ENOTSUP, &err, "whole of that file system is mounted nowhere", tree);
}

static void plan_makes_the_whole_of_virtual_file_systems(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	assert_int_equal(PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__PROC, "/sys", "/a" }), 0);
	assert_string_equal(mnt_tree_find(tree, 2)->source->root, "/");
	mnt_tree_free(tree);
}

static void plan_refuses_unknown_file_systems_by_name(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	int rc = PLAN(&tree, &err, ROOT, { 2, 1, 8 << 20 | 1, FSTYPE__UNSUPPORTED, "/", "/boot" });
	expect(rc, -ENOTSUP, &err, "--external dev[8/1]:NAME", tree);
}

static void plan_makes_what_shows_processes_late_and_all_below(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	assert_int_equal(PLAN(&tree, &err, { 3, 2, 21, FSTYPE__TMPFS, "/", "/proc/acpi" },
			      { 2, 1, 20, FSTYPE__PROC, "/", "/proc" },
			      { 4, 1, 20, FSTYPE__PROC, "/sys", "/p" },
			      { 5, 1, 22, FSTYPE__DEVPTS, "/", "/dev/pts" },
			      { 6, 1, 22, FSTYPE__DEVPTS, "/0", "/dev/console" }, ROOT),
			 0);
	for (uint32_t id = 1; id <= 6; id++)
		assert_int_equal(mnt_tree_find(tree, id)->late, id != 1 && id != 5);
	assert_false(mnt_tree_find(tree, 3)->source->late);
	mnt_tree_free(tree);
}

static void plan_orders_groups_by_their_masters(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	assert_int_equal(PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__TMPFS, "/", "/a", 5 },
			      { 3, 1, 20, FSTYPE__TMPFS, "/x", "/b", 5 },
			      { 4, 1, 20, FSTYPE__TMPFS, "/", "/c", 7, 5 }),
			 0);
	assert_int_equal(tree->groups.nr, 2);
	assert_ptr_equal(mnt_tree_find(tree, 2)->group, mnt_tree_find(tree, 3)->group);
	assert_ptr_equal(mnt_tree_find(tree, 4)->group->above, mnt_tree_find(tree, 2)->group);
	mnt_tree_free(tree);
}

static void plan_finds_masters_outside(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	assert_int_equal(PLAN(&tree, &err, ROOT,
			      { 2, 1, 9, FSTYPE__UNSUPPORTED, "/v", "/a", 0, 5, "v" },
			      { 3, 1, 9, FSTYPE__UNSUPPORTED, "/w", "/b", 0, 5, "w" }),
			 0);
	assert_non_null(mnt_tree_find(tree, 2)->group->outside);
	mnt_tree_free(tree);
}

static void plan_refuses_masters_nobody_knows(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	int rc = PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__TMPFS, "/", "/a", 0, 5 });
	expect(rc, -ENOTSUP, &err, "propagation group 5", tree);
}

static void plan_refuses_peers_with_nothing_in_common(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	int rc = PLAN(&tree, &err, ROOT, { 2, 1, 9, FSTYPE__UNSUPPORTED, "/v", "/a", 5, 0, "v" },
		      { 3, 1, 9, FSTYPE__UNSUPPORTED, "/w", "/b", 5, 0, "w" });
	expect(rc, -ENOTSUP, &err, "nothing has all that its propagation group 5 shows", tree);
}

static void link_refuses_slaves_of_themselves(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	int rc = PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__TMPFS, "/", "/a", 5, 7 },
		      { 3, 1, 20, FSTYPE__TMPFS, "/", "/b", 7, 5 });
	expect(rc, -EBADMSG, &err, "its own slave", tree);
}

static void plan_lets_only_the_first_namespace_have_external_mounts(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	int rc = PLAN(&tree, &err, ROOT,
		      { 10, 9, 8, FSTYPE__UNSUPPORTED, "/box", "/", 0, 0, NULL, NESTED },
		      { 11, 10, 9, FSTYPE__UNSUPPORTED, "/", "/x", 0, 0, NULL, NESTED });
	expect(rc, -ENOTSUP, &err, "namespace inside of the tree's", tree);
}

static void link_finds_the_roots_of_namespaces(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	assert_int_equal(PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__TMPFS, "/", "/" },
			      { 10, 1, 8, FSTYPE__UNSUPPORTED, "/box", "/", 0, 0, NULL, NESTED }),
			 0);
	assert_int_equal(mnt_tree_space(tree, NS)->root->e->mnt_id, 1);
	assert_int_equal(mnt_tree_space(tree, NESTED)->root->e->mnt_id, 10);
	assert_int_equal(mnt_tree_find(tree, 10)->source->kind, MNT_FROM_ROOT);
	mnt_tree_free(tree);
}

static void link_refuses_what_is_no_tree(void **state)
{
	struct mnt_tree *tree;
	struct error err = { 0 };
	(void)state;
	int rc = PLAN(&tree, &err, ROOT, { 2, 3, 20, FSTYPE__TMPFS, "/", "/a" },
		      { 3, 2, 20, FSTYPE__TMPFS, "/", "/a" });
	expect(rc, -EBADMSG, &err, "mounted on itself", tree);
	rc = PLAN(&tree, &err, ROOT, { 2, 9, 20, FSTYPE__TMPFS, "/", "/a" });
	expect(rc, -EBADMSG, &err, "mount 9, is missing", tree);
	rc = PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__TMPFS, "/", "/a" },
		  { 3, 2, 21, FSTYPE__TMPFS, "/", "/b" });
	expect(rc, -EBADMSG, &err, "not below what it is mounted on", tree);
	rc = PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__TMPFS, "/", "/a" },
		  { 2, 1, 20, FSTYPE__TMPFS, "/", "/b" });
	expect(rc, -EBADMSG, &err, "two mounts have the number 2", tree);
	rc = PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__TMPFS, "/../etc", "/a" });
	expect(rc, -EBADMSG, &err, "no plain path", tree);
}

static void below_compares_whole_names(void **state)
{
	(void)state;
	assert_string_equal(mnt_below("/a/b", "/a"), "b");
	assert_string_equal(mnt_below("/a", "/a"), "");
	assert_string_equal(mnt_below("/a", "/"), "a");
	assert_string_equal(mnt_below("/", "/"), "");
	assert_null(mnt_below("/ab", "/a"));
	assert_null(mnt_below("/", "/a"));
}

static int check_name(const char *path)
{
	AutofsName name = AUTOFS_NAME__INIT, *names[] = { &name };
	AutofsEntry e = AUTOFS_ENTRY__INIT;
	struct error err = { 0 };
	name.path = strdup(path);
	e.names = names;
	e.n_names = 1;
	int rc = mnt_names_check(&e, &err);
	free(name.path);
	return rc;
}

static void names_of_autofs_stay_inside(void **state)
{
	(void)state;
	assert_int_equal(check_name("a"), 0);
	assert_int_equal(check_name("a/..b/c."), 0);
	assert_int_equal(check_name(""), -EBADMSG);
	assert_int_equal(check_name("/a"), -EBADMSG);
	assert_int_equal(check_name("a//b"), -EBADMSG);
	assert_int_equal(check_name("./a"), -EBADMSG);
	assert_int_equal(check_name("a/.."), -EBADMSG);
	assert_int_equal(check_name("a/../b"), -EBADMSG);
}

static void plan_mounts_autofs_from_inside_of_the_pid_namespace(void **state)
{
	(void)state;
	struct mnt_tree *tree;
	struct error err = { 0 };
	assert_int_equal(PLAN(&tree, &err, ROOT, { 2, 1, 20, FSTYPE__AUTOFS, "/", "/net" },
			      { 3, 2, 21, FSTYPE__TMPFS, "/", "/net/a" }),
			 0);
	assert_true(tree->items[1]->source->late);
	assert_true(tree->items[2]->late);
	mnt_tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_takes_parts_of_the_root_from_it),
		cmocka_unit_test(plan_refuses_what_is_outside_of_the_root),
		cmocka_unit_test(plan_takes_external_mounts_and_their_parts_from_outside),
		cmocka_unit_test(plan_makes_a_file_system_once),
		cmocka_unit_test(plan_refuses_a_part_whose_whole_is_nowhere),
		cmocka_unit_test(plan_makes_the_whole_of_virtual_file_systems),
		cmocka_unit_test(plan_refuses_unknown_file_systems_by_name),
		cmocka_unit_test(plan_makes_what_shows_processes_late_and_all_below),
		cmocka_unit_test(plan_orders_groups_by_their_masters),
		cmocka_unit_test(plan_finds_masters_outside),
		cmocka_unit_test(plan_refuses_masters_nobody_knows),
		cmocka_unit_test(plan_refuses_peers_with_nothing_in_common),
		cmocka_unit_test(link_refuses_slaves_of_themselves),
		cmocka_unit_test(plan_lets_only_the_first_namespace_have_external_mounts),
		cmocka_unit_test(link_finds_the_roots_of_namespaces),
		cmocka_unit_test(link_refuses_what_is_no_tree),
		cmocka_unit_test(below_compares_whole_names),
		cmocka_unit_test(names_of_autofs_stay_inside),
		cmocka_unit_test(plan_mounts_autofs_from_inside_of_the_pid_namespace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
