/* SPDX-License-Identifier: MIT
 * How control files of groups are written, over a directory with files that stand for them: each
 * write(2) begins at their start, so the last one is to be seen on top of those before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/ns/cgroup-props.h"

struct fixture {
	char path[40];
	int dir;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	strcpy(f->path, "/tmp/test_cgroup_props.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->dir = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	close(f->dir);
	assert_int_equal(rmdir(f->path), 0);
	free(f);
	return 0;
}

/* What a control file says after another value was restored. */
static void expect(const struct fixture *f, const char *name, const char *now, const char *value,
		   const char *after)
{
	auto_fd fd = openat(f->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CgroupPropEntry prop = CGROUP_PROP_ENTRY__INIT, *props[] = { &prop };
	CgroupDirEntry e = CGROUP_DIR_ENTRY__INIT;
	auto_strbuf text = { 0 };
	struct error err = { 0 };
	assert_int_equal(fd_write_full(fd, now, strlen(now)), 0);
	prop.name = (char *)(uintptr_t)name;
	prop.value = (char *)(uintptr_t)value;
	e.properties = props;
	e.n_properties = 1;
	assert_int_equal(cgroup_props_restore(f->dir, "x:/y", &e, CGROUP_PROP_FULL, &err), 0);
	assert_int_equal(file_read_at(f->dir, name, &text, &err), 0);
	assert_int_equal(strbuf_char(&text, 0), 0);
	assert_string_equal(text.data, after);
	unlinkat(f->dir, name, 0);
}

static void cgroup_props_restore_writes_a_line_at_a_time(void **state)
{
	expect(*state, "io.max", "", "8:0 rbps=1\n7:0 rbps=25", "7:0 rbps=25");
	expect(*state, "io.weight", "default 100\n", "default 250\n8:0 50", "8:0 50t 250\n");
}

static void cgroup_props_restore_leaves_lines_that_are_there(void **state)
{
	expect(*state, "io.max", "8:0 rbps=1\n8:1 rbps=1\n", "8:0 rbps=1\n8:1 rbps=2",
	       "8:1 rbps=2\n8:1 rbps=1\n");
	expect(*state, "io.max", "1:1\n8:0 rbps=10\n", "8:0 rbps=1", "8:0 rbps=1ps=10\n");
}

static void cgroup_props_restore_passes_over_devices_without_priority(void **state)
{
	expect(*state, "net_prio.ifpriomap", "lo 0\neth0 3\n", "lo 0\ngone 0\neth0 0",
	       "eth0 0th0 3\n");
	expect(*state, "net_prio.ifpriomap", "lo 0\neth0 3\n", "eth0 3\nlo 5\neth 0",
	       "lo 5\neth0 3\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cgroup_props_restore_writes_a_line_at_a_time),
		cmocka_unit_test(cgroup_props_restore_leaves_lines_that_are_there),
		cmocka_unit_test(cgroup_props_restore_passes_over_devices_without_priority),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
