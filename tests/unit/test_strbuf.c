/* SPDX-License-Identifier: MIT
 * The growing buffer, and the one sentence of an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "base/strbuf.h"

static void strbuf_grows_and_stays_terminated(void **state)
{
	(void)state;
	auto_strbuf sb = { 0 };
	for (int i = 0; i < 10000; i++)
		assert_int_equal(strbuf_char(&sb, (char)('a' + i % 26)), 0);
	assert_int_equal(sb.len, 10000);
	assert_int_equal(strlen(sb.data), 10000);
	strbuf_reset(&sb);
	assert_int_equal(sb.len, 0);
	assert_int_equal(strbuf_printf(&sb, "%s-%d", "core", 7), 0);
	assert_int_equal(strbuf_str(&sb, ".img"), 0);
	assert_string_equal(sb.data, "core-7.img");
}

static void strbuf_printf_takes_more_than_fits(void **state)
{
	(void)state;
	auto_strbuf sb = { 0 };
	assert_int_equal(strbuf_printf(&sb, "%*d", 5000, 1), 0);
	assert_int_equal(sb.len, 5000);
	assert_int_equal(sb.data[4999], '1');
	assert_int_equal(sb.data[5000], '\0');
}

static void strbuf_keeps_bytes_that_are_no_text(void **state)
{
	(void)state;
	auto_strbuf sb = { 0 };
	assert_int_equal(strbuf_add(&sb, "a\0b", 3), 0);
	assert_int_equal(strbuf_add(&sb, NULL, 0), 0);
	assert_memory_equal(sb.data, "a\0b", 4);
}

static void strbuf_reserve_refuses_what_overflows(void **state)
{
	(void)state;
	auto_strbuf sb = { 0 };
	assert_int_equal(strbuf_str(&sb, "kept"), 0);
	assert_int_equal(strbuf_reserve(&sb, SIZE_MAX), -ENOMEM);
	assert_int_equal(strbuf_reserve(&sb, SIZE_MAX / 2), -ENOMEM);
	assert_string_equal(sb.data, "kept");
}

static void error_is_negative_and_one_sentence(void **state)
{
	(void)state;
	struct error err = { 0 };
	assert_int_equal(error_set(&err, EBADMSG, "entry %d", 3), -EBADMSG);
	assert_string_equal(err.text, "entry 3");
	assert_int_equal(error_wrap(&err, -EBADMSG, "a.img"), -EBADMSG);
	assert_string_equal(err.text, "a.img: entry 3");
	errno = ENOENT;
	assert_int_equal(error_sys(&err, "open x"), -ENOENT);
	assert_string_equal(err.text, "open x: No such file or directory");
	assert_int_equal(err.code, -ENOENT);
	assert_int_equal(error_set(&err, 0, "no code"), -EIO);
	assert_int_equal(error_set(NULL, EINVAL, "nobody asks"), -EINVAL);
}

static void error_cuts_what_is_too_long(void **state)
{
	(void)state;
	struct error err = { 0 };
	error_set(&err, EINVAL, "%*d", 5000, 1);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	error_wrap(&err, err.code, "in front");
	assert_memory_equal(err.text, "in front: ", 10);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strbuf_grows_and_stays_terminated),
		cmocka_unit_test(strbuf_printf_takes_more_than_fits),
		cmocka_unit_test(strbuf_keeps_bytes_that_are_no_text),
		cmocka_unit_test(strbuf_reserve_refuses_what_overflows),
		cmocka_unit_test(error_is_negative_and_one_sentence),
		cmocka_unit_test(error_cuts_what_is_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
