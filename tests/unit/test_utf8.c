/* SPDX-License-Identifier: MIT
 * Characters and their bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/utf8.h"

static void characters_survive_a_round_trip(void **state)
{
	(void)state;
	static const uint32_t chars[] = { 'a',    0x7f,   0x80,   0x7ff,   0x800,
					  0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff };
	for (size_t i = 0; i < ARRAY_SIZE(chars); i++) {
		char bytes[4];
		uint32_t ch;
		size_t len = utf8_encode(chars[i], bytes);
		assert_int_equal(utf8_decode(bytes, len, &ch), len);
		assert_int_equal(ch, chars[i]);
		if (len > 1)
			assert_int_equal(utf8_decode(bytes, len - 1, &ch), 0);
	}
}

static void utf8_decode_refuses_what_is_none(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"\x80",             /* goes on with nothing */
		"\xc0\x80",         /* could be shorter */
		"\xe0\x9f\xbf",     /* this, too */
		"\xf0\x8f\xbf\xbf", /* and this */
		"\xed\xa0\x80",     /* half of a pair */
		"\xf4\x90\x80\x80", /* above U+10FFFF */
		"\xf8\x88\x80\x80\x80",
		"\xff",
		"\xc3(",
	};
	uint32_t ch;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &ch), 0);
}

static void utf8_is_control_knows_what_steers_a_terminal(void **state)
{
	(void)state;
	static const uint32_t yes[] = { 0, 0x1b, 0x7f, 0x80, 0x9b, 0x9f, 0x2028, 0x202e, 0x2066 };
	static const uint32_t no[] = { ' ', '~', 0xa0, 0xe4, 0x2027, 0x202f, 0x206a, 0x65e5 };
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(utf8_is_control(yes[i]));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(utf8_is_control(no[i]));
}

static void utf8_show_makes_one_line_that_steers_nothing(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "a\033[31m\nb\tc", "a\\x1b[31m\\x0ab\\x09c" },
		{ "\xe6\x97\xa5 \xff \xc2\x9b", "\xe6\x97\xa5 \\xff \\xc2\\x9b" },
		{ "as\\x0ait is", "as\\x0ait is" },
	};
	char out[64];
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(utf8_show(rows[i][0], strlen(rows[i][0]), out, sizeof(out)),
				 strlen(rows[i][1]));
		assert_string_equal(out, rows[i][1]);
	}
	assert_int_equal(utf8_show("ab\n", 3, out, 6), 2); /* never a part of an escape */
	assert_string_equal(out, "ab");
}

static void errors_are_one_line_whatever_is_named(void **state)
{
	(void)state;
	struct error err = { 0 };
	assert_int_equal(error_set(&err, EINVAL, "task \"%s\"", "x\nError: \033"), -EINVAL);
	assert_string_equal(err.text, "task \"x\\x0aError: \\x1b\"");
	error_wrap(&err, EINVAL, "%s", "\r");
	assert_string_equal(err.text, "\\x0d: task \"x\\x0aError: \\x1b\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_survive_a_round_trip),
		cmocka_unit_test(utf8_decode_refuses_what_is_none),
		cmocka_unit_test(utf8_is_control_knows_what_steers_a_terminal),
		cmocka_unit_test(utf8_show_makes_one_line_that_steers_nothing),
		cmocka_unit_test(errors_are_one_line_whatever_is_named),
	};
	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
