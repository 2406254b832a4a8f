/* SPDX-License-Identifier: MIT
 * Command lines by option rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/array.h"

struct opts {
	bool flag, on;
	const char *file;
	int number;
	uint64_t size;
	struct arg_list list;
	int level;
	uint64_t count;
	uint32_t pid;
};

static int parse_level(void *opts, const char *value, struct error *err)
{
	struct opts *o = opts;
	o->level = value ? atoi(value) : -1;
	return o->level > 4 ? error_set(err, EINVAL, "level %s", value) : 0;
}

static const struct arg_row rows[] = {
	{ 'f', "flag", NULL, "", ARG_FLAG, offsetof(struct opts, flag), 0, NULL },
	{ 0, "no-on", NULL, "", ARG_CLEAR, offsetof(struct opts, on), 0, NULL },
	{ 'o', "out", "FILE", "", ARG_PATH, offsetof(struct opts, file), 0, NULL },
	{ 'n', "number", "N", "", ARG_INT, offsetof(struct opts, number), 1, NULL },
	{ 0, "size", "SIZE", "", ARG_UINT64, offsetof(struct opts, size), 2, NULL },
	{ 'l', NULL, "ITEM", "", ARG_LIST, offsetof(struct opts, list), 0, NULL },
	{ 'm', "max", "N", "", ARG_COUNT, offsetof(struct opts, count), 0, NULL },
	{ 'p', "pid", "PID", "", ARG_PID, offsetof(struct opts, pid), 0, NULL },
	{ 'v', "verbosity", "[LEVEL]", "", ARG_CALLBACK, 0, 0, parse_level },
};

/* One command line, its words separated by blanks; the result of args_parse(). */
static int parse(const char *line, struct opts *out, const char **operand, struct error *err)
{
	static char copy[256];
	char *argv[32], *save = NULL;
	int argc = 0, at = 0;
	assert_true((size_t)snprintf(copy, sizeof(copy), "%s", line) < sizeof(copy));
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	*out = (struct opts){ .on = true };
	*err = (struct error){ 0 };
	int rc = args_parse(rows, ARRAY_SIZE(rows), out, argc, argv, &at, err);
	*operand = rc == 0 ? argv[at] : NULL;
	return rc;
}

static void args_parse_fills_every_kind(void **state)
{
	(void)state;
	struct opts o;
	struct error err;
	const char *operand;
	assert_int_equal(
	    parse("cmd image -f --no-on --out=a -n -7 --size 2K -l x -l y -v3 -m 4K -p 7", &o,
		  &operand, &err),
	    0);
	assert_true(o.flag && !o.on);
	assert_string_equal(o.file, "a");
	assert_int_equal(o.number, -7);
	assert_int_equal(o.size, 2048);
	assert_int_equal(o.count, 4096);
	assert_int_equal(o.pid, 7);
	assert_int_equal(o.list.nr, 2);
	assert_string_equal(o.list.items[1], "y");
	assert_int_equal(o.level, 3);
	assert_string_equal(operand, "image");
	args_release(rows, ARRAY_SIZE(rows), &o);
	assert_null(o.list.items);
}

static void args_parse_turns_flags_off_again(void **state)
{
	(void)state;
	struct opts o;
	struct error err;
	const char *operand;
	assert_int_equal(parse("cmd -f --no-flag", &o, &operand, &err), 0);
	assert_false(o.flag);
	assert_int_equal(parse("cmd --no-out", &o, &operand, &err), -EINVAL);
}

static void args_parse_takes_optional_values_only_joined(void **state)
{
	(void)state;
	struct opts o;
	struct error err;
	const char *operand;
	assert_int_equal(parse("cmd -v 3", &o, &operand, &err), 0);
	assert_int_equal(o.level, -1);
	assert_string_equal(operand, "3");
	assert_int_equal(parse("cmd --verbosity=2", &o, &operand, &err), 0);
	assert_int_equal(o.level, 2);
}

static void args_parse_leaves_what_follows_two_dashes(void **state)
{
	(void)state;
	struct opts o;
	struct error err;
	const char *operand;
	assert_int_equal(parse("cmd -- -f", &o, &operand, &err), 0);
	assert_false(o.flag);
	assert_string_equal(operand, "-f");
}

static void args_parse_names_the_option_at_fault(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *text;
	} bad[] = {
		{ "cmd --what", "unknown option --what" },
		{ "cmd --out=x --flag=3", "option --flag takes no value" },
		{ "cmd --no", "option --no is the beginning of several: --no-flag, --no-on" },
		{ "cmd --no-=3", "option --no- is the beginning of several: --no-flag, --no-on" },
		{ "cmd -fz", "unknown option -z" },
		{ "cmd --out", "option --out needs a value" },
		{ "cmd -o", "option -o needs a value" },
		{ "cmd --out=", "--out: an empty name: want FILE" },
		{ "cmd -n 5x", "--number: 5x is not a number" },
		{ "cmd --number 99999999999", "--number: 99999999999 is not a number" },
		{ "cmd --size 1T", "--size: 1T is not a size" },
		{ "cmd -v9", "level 9" },
		{ "cmd -m 0", "--max: 0: want a number from 1" },
		{ "cmd -m -1", "--max: -1: want a number from 1" },
		{ "cmd -p 0", "--pid: \"0\" is no process id" },
		{ "cmd -p 2147483648", "--pid: \"2147483648\" is no process id" },
		{ "cmd -p 7x", "--pid: \"7x\" is no process id" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct opts o;
		struct error err;
		const char *operand;
		assert_int_equal(parse(bad[i].line, &o, &operand, &err), -EINVAL);
		assert_string_equal(err.text, bad[i].text);
	}
}

static void parse_u64_knows_bases_suffixes_and_limits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int rc;
		uint64_t value;
	} rows_u64[] = {
		{ "0", 0, 0 },
		{ "010", 0, 10 },
		{ "0x1F", 0, 31 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "3M", 0, 3 << 20 },
		{ "18446744073709551616", -EINVAL, 0 },
		{ "17179869184G", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 },
		{ "1KK", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows_u64); i++) {
		uint64_t v = 0;
		assert_int_equal(parse_u64(rows_u64[i].text, &v), rows_u64[i].rc);
		assert_true(v == rows_u64[i].value);
	}
}

static void parse_int_refuses_what_does_not_fit(void **state)
{
	(void)state;
	int v = 0;
	assert_int_equal(parse_int("-2147483648", &v), 0);
	assert_int_equal(v, INT_MIN);
	assert_int_equal(parse_int("2147483648", &v), -EINVAL);
	assert_int_equal(parse_int("1 ", &v), -EINVAL);
	assert_int_equal(parse_int("", &v), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(args_parse_fills_every_kind),
		cmocka_unit_test(args_parse_turns_flags_off_again),
		cmocka_unit_test(args_parse_takes_optional_values_only_joined),
		cmocka_unit_test(args_parse_leaves_what_follows_two_dashes),
		cmocka_unit_test(args_parse_names_the_option_at_fault),
		cmocka_unit_test(parse_u64_knows_bases_suffixes_and_limits),
		cmocka_unit_test(parse_int_refuses_what_does_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
