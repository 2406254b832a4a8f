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
#include "convert/memory/map.h"

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

static void map_filter_tells_exact_from_at_least(void **state)
{
	VmaEntry vma = VMA_ENTRY__INIT;
	struct area area = { .vma = &vma, .path = "/usr/lib/libc.so.6" };
	struct map_filter filter = { .prot = "r" };
	(void)state;
	vma.prot = 5; /* r-x */
	assert_true(map_filter_fits(&filter, &area));
	filter.prot = "r--";
	assert_false(map_filter_fits(&filter, &area));
	filter.prot = "r-x";
	assert_true(map_filter_fits(&filter, &area));
	filter.file = "libc.*";
	assert_true(map_filter_fits(&filter, &area));
	filter.file = "/lib/*";
	assert_false(map_filter_fits(&filter, &area));
	filter.prot = "rq";
	assert_true(map_filter_check(&filter, NULL) < 0);
	filter.prot = "r-";
	assert_true(map_filter_check(&filter, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_line_says_where_each_argument_ends),
		cmocka_unit_test(flags_are_words_and_fit_their_room),
		cmocka_unit_test(map_filter_tells_exact_from_at_least),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
