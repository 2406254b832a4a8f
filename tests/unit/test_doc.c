/* SPDX-License-Identifier: MIT
 * Documents: the same calls as text and as JSON.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "convert/doc/doc.h"
#include "convert/doc/doc-text.h"

static void check(void (*write)(struct doc *), enum doc_format format, const char *wanted)
{
	auto_file f = tmpfile();
	struct doc *doc = NULL;
	char text[8192];
	assert_int_equal(doc_open(fileno(f), "test", format, &doc, NULL), 0);
	write(doc);
	assert_int_equal(doc_close(doc, NULL), 0);
	ssize_t n = fd_pread_full(fileno(f), text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, wanted);
}

static void tree(struct doc *doc)
{
	static const struct doc_column columns[] = {
		{ "pid", "PID", DOC_RIGHT },
		{ "ppid", NULL, DOC_RIGHT },
		{ "comm", "COMMAND", DOC_LEFT },
		{ NULL, "SIZE", DOC_RIGHT },
	};
	doc_object(doc, "set", "Set");
	doc_str(doc, "name", "Name", "a\033[2Jb\xff");
	doc_u64(doc, "hidden", NULL, 1);
	doc_table(doc, "processes", "Processes", columns, 4);
	for (unsigned i = 0; i < 2; i++) {
		doc_row(doc);
		doc_u64(doc, NULL, NULL, 9 + i * 100);
		doc_u64(doc, NULL, NULL, i);
		doc_tree_cell(doc, i, i ? "child" : "init");
		doc_size(doc, NULL, NULL, i ? 1536 : 10);
	}
	doc_end(doc);
	doc_end(doc);
	doc_bool(doc, "whole", "Whole", true);
	doc_none(doc, "engine", "Engine");
	doc_hex(doc, "flags", "Flags", 31);
}

static void text_is_indented_aligned_and_escaped(void **state)
{
	(void)state;
	check(tree, DOC_TEXT,
	      "Set\n"
	      "  Name: a\\x1b[2Jb\\xff\n"
	      "  Processes\n"
	      "    PID  COMMAND     SIZE\n"
	      "      9  init        10 B\n"
	      "    109    child  1.5 KiB\n"
	      "Whole: yes\n"
	      "Engine: -\n"
	      "Flags: 0x1f\n");
}

static void empty_parts(struct doc *doc)
{
	static const struct doc_column columns[] = { { "a", "A", DOC_LEFT } };
	doc_object(doc, "whole", "Whole");
	doc_table(doc, "timers", "Timers", columns, 1);
	doc_end(doc);
	doc_list(doc, "groups", "Groups");
	doc_end(doc);
	doc_end(doc);
	doc_object(doc, "outer", "Outer");
	doc_u64(doc, "hidden", NULL, 1);
	doc_table(doc, "inner", NULL, columns, 1);
	doc_end(doc);
	doc_end(doc);
}

static void text_says_that_a_part_is_empty(void **state)
{
	(void)state;
	check(empty_parts, DOC_TEXT,
	      "Whole\n"
	      "  Timers: none\n"
	      "  Groups: none\n"
	      "Outer: none\n");
}

static void json_has_keys_and_plain_values(void **state)
{
	(void)state;
	check(tree, DOC_JSON,
	      "{\n"
	      "    \"set\": {\n"
	      "        \"name\": \"a\\u001b[2Jb\\udcff\",\n"
	      "        \"hidden\": 1,\n"
	      "        \"processes\": [\n"
	      "            {\n"
	      "                \"pid\": 9,\n"
	      "                \"ppid\": 0,\n"
	      "                \"comm\": \"init\"\n"
	      "            },\n"
	      "            {\n"
	      "                \"pid\": 109,\n"
	      "                \"ppid\": 1,\n"
	      "                \"comm\": \"child\"\n"
	      "            }\n"
	      "        ]\n"
	      "    },\n"
	      "    \"whole\": true,\n"
	      "    \"engine\": null,\n"
	      "    \"flags\": \"0x1f\"\n"
	      "}\n");
}

static void many_rows(struct doc *doc)
{
	static const struct doc_column columns[] = { { "n", "N", DOC_LEFT },
						     { "m", "M", DOC_LEFT } };
	doc_table(doc, "rows", NULL, columns, 2);
	for (unsigned i = 0; i < 600; i++) {
		doc_row(doc);
		doc_u64(doc, NULL, NULL, i);
	}
	doc_end(doc);
}

static void rows_after_the_first_are_written_at_once(void **state)
{
	(void)state;
	auto_file f = tmpfile();
	struct doc *doc = NULL;
	unsigned lines = 0;
	char line[64];
	assert_int_equal(doc_open(fileno(f), "test", DOC_TEXT, &doc, NULL), 0);
	many_rows(doc);
	assert_int_equal(doc_close(doc, NULL), 0);
	rewind(f);
	while (fgets(line, sizeof(line), f))
		lines++;
	assert_int_equal(lines, 601);
}

static void failed_write_is_reported_at_the_end(void **state)
{
	(void)state;
	struct doc *doc = NULL;
	struct error err;
	auto_file full = fopen("/dev/full", "w");
	assert_int_equal(doc_open(fileno(full), "the report", DOC_TEXT, &doc, NULL), 0);
	tree(doc);
	assert_int_equal(doc_close(doc, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "the report"));
}

static void escape_keeps_utf8_and_counts_columns(void **state)
{
	(void)state;
	auto_strbuf out = { 0 };
	assert_int_equal(text_escape("\xce\xb1z\xe2\x80\xae", 6, &out), 2 + 12);
	assert_string_equal(out.data, "\xce\xb1z\\xe2\\x80\\xae");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_indented_aligned_and_escaped),
		cmocka_unit_test(text_says_that_a_part_is_empty),
		cmocka_unit_test(json_has_keys_and_plain_values),
		cmocka_unit_test(rows_after_the_first_are_written_at_once),
		cmocka_unit_test(failed_write_is_reported_at_the_end),
		cmocka_unit_test(escape_keeps_utf8_and_counts_columns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
