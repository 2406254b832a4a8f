/* SPDX-License-Identifier: MIT
 * Labels of security modules: what attr/current may say, over a directory that stands for
 * /proc/PID.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/task/label.h"

#define TID 7

struct fixture {
	char path[32];
	int proc; /* has task/7/attr and self/attr */
	struct strbuf own;
	struct error err;
};

static const char *const dirs[] = { "task", "task/7", "task/7/attr", "self", "self/attr" };
#define NR_DIRS (sizeof(dirs) / sizeof(*dirs))

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	strcpy(f->path, "/tmp/test_label.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->proc = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < NR_DIRS; i++)
		assert_int_equal(mkdirat(f->proc, dirs[i], 0700), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unlinkat(f->proc, "task/7/attr/current", 0);
	unlinkat(f->proc, "self/attr/current", 0);
	for (size_t i = NR_DIRS; i-- > 0;)
		assert_int_equal(unlinkat(f->proc, dirs[i], AT_REMOVEDIR), 0);
	rmdir(f->path);
	close(f->proc);
	strbuf_fini(&f->own);
	free(f);
	return 0;
}

static void write_label(struct fixture *f, const char *path, const char *text, size_t len)
{
	int fd = openat(f->proc, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static int check(struct fixture *f, const char *label, const char *own)
{
	write_label(f, "task/7/attr/current", label, strlen(label));
	write_label(f, "self/attr/current", own, strlen(own));
	strbuf_reset(&f->own);
	assert_int_equal(label_read(f->proc, "self", &f->own, NULL), 0);
	return label_check(f->proc, TID, &f->own, &f->err);
}

static void label_read_is_empty_without_modules(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(label_read(f->proc, "self", &f->own, &f->err), 0);
	assert_int_equal(f->own.len, 0);
	assert_int_equal(label_check(f->proc, TID, &f->own, &f->err), 0);
}

static void label_read_cuts_what_modules_end_it_with(void **state)
{
	struct fixture *f = *state;
	write_label(f, "self/attr/current", "u:r:t:s0", sizeof("u:r:t:s0"));
	assert_int_equal(label_read(f->proc, "self", &f->own, &f->err), 0);
	assert_string_equal(f->own.data, "u:r:t:s0");
	assert_int_equal(f->own.len, strlen("u:r:t:s0"));
}

static void label_check_takes_who_is_not_confined(void **state)
{
	assert_int_equal(check(*state, "unconfined\n", "stasis (enforce)\n"), 0);
}

static void label_check_takes_its_own(void **state)
{
	assert_int_equal(check(*state, "box (enforce)\n", "box (enforce)\n"), 0);
}

static void label_check_names_thread_and_label_it_refuses(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(check(f, "box (enforce)\n", "unconfined\n"), -ENOTSUP);
	assert_non_null(strstr(f->err.text, "thread 7 "));
	assert_non_null(strstr(f->err.text, "box (enforce)"));
	assert_null(strchr(f->err.text, '\n'));
	assert_int_equal(check(f, "unconfined_u:r:t:s0", "u:r:t:s0"), -ENOTSUP);
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(label_read_is_empty_without_modules),
		T(label_read_cuts_what_modules_end_it_with),
		T(label_check_takes_who_is_not_confined),
		T(label_check_takes_its_own),
		T(label_check_names_thread_and_label_it_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
