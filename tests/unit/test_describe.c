/* SPDX-License-Identifier: MIT
 * Descriptions: command lines, open flags, protections.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "convert/describe/file.h"
#include "convert/describe/process.h"

static void command_line_says_where_each_argument_ends(void **state)
{
	static const char args[] = "sh\0-c\0echo 'a  b'\0\0x=1";
	struct process_facts facts = { .has_args = true };
	auto_strbuf line = { 0 };
	(void)state;
	assert_int_equal(strbuf_add(&facts.args, args, sizeof(args)), 0);
	assert_int_equal(process_command_line(&facts, &line), 0);
	assert_string_equal(line.data, "sh -c 'echo '\\''a  b'\\''' '' x=1");
	process_facts_fini(&facts);
}

static void flags_are_words_and_fit_their_room(void **state)
{
	char text[80], small[6];
	(void)state;
	assert_string_equal(file_flags_text(O_RDWR | O_APPEND | O_NONBLOCK, text, sizeof(text)),
			    "rw append nonblock");
	assert_string_equal(file_flags_text(O_RDONLY, text, sizeof(text)), "r");
	assert_string_equal(file_flags_text(O_WRONLY | O_APPEND | O_NONBLOCK, small, sizeof(small)),
			    "w app");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_line_says_where_each_argument_ends),
		cmocka_unit_test(flags_are_words_and_fit_their_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
