/* SPDX-License-Identifier: MIT
 * The parts of the browser below its views: keymap, canvas, lines, styles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "base/array.h"
#include "base/utf8.h"
#include "viewer/address.h"
#include "viewer/fd-rows.h"
#include "viewer/key.h"
#include "viewer/line.h"
#include "viewer/print.h"
#include "viewer/width.h"

static void keymap_has_no_key_twice_in_a_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_key_rows; i++) {
		for (size_t a = 0; a < KEYS_PER_ACTION && key_rows[i].keys[a]; a++) {
			uint32_t places = key_rows[i].places;
			for (uint32_t place = 1; place <= places; place <<= 1) {
				if (!(places & place))
					continue;
				assert_int_equal(key_action(key_rows[i].keys[a], place),
						 key_rows[i].action);
			}
		}
	}
}

static void keymap_has_every_action_once_in_order(void **state)
{
	(void)state;
	assert_int_equal(nr_key_rows, NR_ACTIONS - 1);
	for (size_t i = 0; i < nr_key_rows; i++) {
		assert_int_equal(key_rows[i].action, i + 1);
		assert_non_null(key_rows[i].keys[0] ? key_rows[i].help : NULL);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(key_rows[i].name, key_rows[k].name);
	}
}

static void keymap_has_digits_for_tabs_alone(void **state)
{
	(void)state;
	for (uint32_t key = '1'; key <= '9'; key++)
		assert_int_equal(key_action(key, IN_ALL), ACT_TAB_DIGIT);
	assert_int_equal(key_action('0', IN_ALL), ACT_NONE);
}

static void key_elsewhere_names_a_place(void **state)
{
	(void)state;
	assert_string_equal(key_elsewhere('v'), "in bytes");
	assert_string_equal(key_elsewhere('W'), "in the review of changes (R)");
	assert_string_equal(key_elsewhere('s'), "in the process tree");
	assert_null(key_elsewhere('0'));
}

static void key_parse_reads_characters_and_names(void **state)
{
	(void)state;
	static const uint32_t want[] = { 'j',           '<',  KEY_CODE_DOWN,
					 KEY_CTRL('D'), 0xe4, KEY_CODE_F1 + 9 };
	const char *text = "j<lt><down><C-d>ä<F10><>";
	uint32_t key;
	struct error err;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(key_parse(&text, &key, &err), 1);
		assert_int_equal(key, want[i]);
	}
	assert_int_equal(key_parse(&text, &key, &err), -EINVAL);
	assert_string_equal(err.text, "<> is no key; <lt> stands for <");
	text = "";
	assert_int_equal(key_parse(&text, &key, &err), 0);
}

static const char *row_text(const struct canvas *c, struct strbuf *out)
{
	strbuf_reset(out);
	assert_int_equal(canvas_to_text(c, out), 0);
	return out->data;
}

static void canvas_text_cuts_wide_characters_whole(void **state)
{
	(void)state;
	auto_strbuf out = { 0 };
	struct canvas c = { 0 };
	assert_int_equal(canvas_resize(&c, 5, 1), 0);
	assert_int_equal(canvas_text(&c, 0, 0, 5, ST_NORMAL, "日本語", 9, 0), 4);
	assert_string_equal(row_text(&c, &out), "日本\n");
	/* half of the first is scrolled out */
	canvas_clear(&c);
	canvas_text(&c, 0, 0, 5, ST_NORMAL, "日本語", 9, 1);
	assert_string_equal(row_text(&c, &out), " 本語\n");
	canvas_fini(&c);
}

static void canvas_text_leaves_no_half_of_a_wide_character(void **state)
{
	(void)state;
	auto_strbuf out = { 0 };
	struct canvas c = { 0 };
	assert_int_equal(canvas_resize(&c, 6, 1), 0);
	canvas_str(&c, 0, 0, ST_NORMAL, "日本語");
	canvas_str(&c, 1, 0, ST_NORMAL, "|");
	assert_string_equal(row_text(&c, &out), " |本語\n");
	canvas_str(&c, 4, 0, ST_NORMAL, "|");
	assert_string_equal(row_text(&c, &out), " |本|\n");
	canvas_str(&c, 1, 0, ST_NORMAL, "日");
	assert_string_equal(row_text(&c, &out), " 日 |\n");
	canvas_fini(&c);
}

static void canvas_text_puts_marks_on_their_character(void **state)
{
	(void)state;
	auto_strbuf out = { 0 };
	struct canvas c = { 0 };
	assert_int_equal(canvas_resize(&c, 4, 1), 0);
	assert_int_equal(canvas_str(&c, 0, 0, ST_NORMAL, "e\xcc\x81x"), 2);
	assert_string_equal(row_text(&c, &out), "e\xcc\x81x\n");
	/* one without a character before it is dropped */
	canvas_clear(&c);
	assert_int_equal(canvas_str(&c, 0, 0, ST_NORMAL, "\xcc\x81x"), 1);
	canvas_fini(&c);
}

/* As the terminal counts, or what is painted there is a question mark. */
static void widths_are_those_of_libc(void **state)
{
	(void)state;
	unsigned others = 0;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	for (uint32_t ch = 0x20; ch <= 0x10ffff; ch++) {
		int width = wcwidth((wchar_t)ch);
		if (width >= 0 && !utf8_is_control(ch))
			others += width != char_width(ch);
	}
	setlocale(LC_CTYPE, "C");
	assert_in_range(others, 0, 200); /* its Unicode may be another one */
}

static void canvas_takes_no_control_characters(void **state)
{
	(void)state;
	auto_strbuf out = { 0 };
	struct canvas c = { 0 };
	assert_int_equal(canvas_resize(&c, 8, 1), 0);
	assert_int_equal(canvas_str(&c, 0, 0, ST_NORMAL, "a\033[\xc2\x9b\xe2\x80\xae"), 5);
	assert_string_equal(row_text(&c, &out), "a\ufffd[\ufffd\ufffd\n");
	canvas_fini(&c);
}

static void canvas_ignores_what_is_outside(void **state)
{
	(void)state;
	struct canvas c = { 0 };
	assert_int_equal(canvas_resize(&c, 3, 2), 0);
	canvas_str(&c, -2, 0, ST_NORMAL, "abcdefgh");
	canvas_str(&c, 0, 7, ST_NORMAL, "abc");
	canvas_fill(&c, (struct rect){ -5, -5, 100, 100 }, ST_DIM);
	canvas_base(&c, (struct rect){ 2, 1, 50, 50 }, ST_SELECTED);
	assert_int_equal(canvas_cell(&c, 2, 1)->base, ST_SELECTED);
	assert_null(canvas_cell(&c, 3, 1));
	canvas_fini(&c);
}

static void line_cells_are_aligned_and_cut(void **state)
{
	(void)state;
	static const struct column columns[] = {
		{ "NR", 4, true, 0 },
		{ "NAME", 5, false, 0 },
		{ "WIDE", 3, false, 100 },
		{ "REST", 0, false, 0 },
	};
	auto_line line = { 0 };
	line_begin(&line, columns, ARRAY_SIZE(columns), 80);
	line_cellf(&line, ST_NUMBER, "%d", 12);
	line_cell(&line, ST_NAME, "too-long");
	assert_false(line_cell_wanted(&line));
	line_cell_skip(&line);
	line_cell(&line, ST_NORMAL, "a\033[31mb");
	assert_string_equal(line.text.data, "  12 too-~ a\\x1b[31mb");
}

static void line_columns_grow_with_the_screen(void **state)
{
	(void)state;
	static const struct column columns[] = {
		{ "FIELD", 6, false, 0, 16 },
		{ "WIDE", 3, false, 100, 0 },
		{ "REST", 0, false, 0, 0 },
	};
	static const struct {
		int screen, rest; /* where the last column begins */
		const char *text;
	} rows[] = {
		{ 80, 7, "…ho.fg x" },
		{ 95, 12, "…cde.gho.fg x" }, /* a third of 15 more */
		{ 110, 21, "ab.cde.gho.fg        x" },
		{ 300, 21, "ab.cde.gho.fg        x" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_line line = { 0 };
		size_t before = rows[i].screen < 100 ? 0 : 1;
		line_begin(&line, columns, ARRAY_SIZE(columns), rows[i].screen);
		line_cell_end(&line, ST_NAME, "ab.cde.gho.fg");
		line_cell_skip(&line);
		line_cell(&line, ST_NAME, "x");
		assert_string_equal(line.text.data, rows[i].text);
		assert_int_equal(line_column_at(columns, 3, rows[i].screen, rows[i].rest), 2);
		assert_int_equal(line_column_at(columns, 3, rows[i].screen, rows[i].rest - 1),
				 before);
	}
}

static void line_name_keeps_the_end_and_room_behind_it(void **state)
{
	(void)state;
	static const struct {
		int room;
		size_t after;
		const char *text;
		size_t hidden;
	} rows[] = {
		{ 80, 0, "/usr/lib/日本語/libc.so.6", 0 },
		{ 20, 0, "…ib/日本語/libc.so.6", 5 },
		{ 30, 12, "…/日本語/libc.so.6", 7 },
		{ 29, 12, "…日本語/libc.so.6", 8 },
		{ 28, 12, "…本語/libc.so.6", 9 }, /* no half of a wide one */
		{ 20, 70, "…/libc.so.6", 13 },    /* at least so much of it */
		{ 5, 70, "…so.6", 20 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_line line = { 0 };
		line_begin(&line, NULL, 0, rows[i].room);
		line_name(&line, "/usr/lib/日本語/libc.so.6", rows[i].after);
		assert_string_equal(line.text.data, rows[i].text);
		assert_int_equal(line.hidden, rows[i].hidden);
	}
}

static void line_break_is_between_words(void **state)
{
	(void)state;
	auto_line line = { 0 };
	line_begin(&line, NULL, 0, 80);
	line_str(&line, " 1/2: 3M, stored 1M  anon 1/2  stack 3/4");
	assert_int_equal(line_break(&line, 0, 80), 40);
	assert_int_equal(line_break(&line, 0, 28), 21); /* parts stay together */
	assert_int_equal(line_break(&line, 0, 15), 10); /* else words do */
	assert_int_equal(line_break(&line, 21, 11), 31);
	assert_int_equal(line_break(&line, 21, 3), 24); /* one that is too long is cut */
	assert_int_equal(line_break(&line, 31, 20), 40);
}

static void line_match_marks_every_place(void **state)
{
	(void)state;
	auto_line line = { 0 };
	struct canvas c = { 0 };
	assert_int_equal(canvas_resize(&c, 10, 1), 0);
	line_begin(&line, NULL, 0, 10);
	line_str(&line, "xabyABz");
	struct rect row = { 0, 0, 10, 1 };
	line_draw(&line, &c, row, 1, ST_NORMAL);
	line_match(&line, &c, row, 1, "ab");
	static const int want[10] = { 1, 1, 0, 1, 1, 0, 0, 0, 0, 0 };
	for (int i = 0; i < 10; i++)
		assert_int_equal(c.cells[i].base == ST_MATCH, want[i]);
	canvas_fini(&c);
	/* capitals count when there are some */
	assert_non_null(text_find("xaByz", "aB"));
	assert_null(text_find("xabyz", "aB"));
}

static void sizes_take_five_characters(void **state)
{
	(void)state;
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1023, "1023" },
		{ 1024, "1.0K" },
		{ 10 * 1024, "10K" },
		{ 1023 * 1024, "1.0M" },
		{ 100ull << 30, "100G" },
		{ UINT64_MAX, "16E" },
	};
	char text[8];
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(size_text(rows[i].bytes, text), rows[i].text);
}

static void colours_of_256_are_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(color_256(0x000000), 16);
	assert_int_equal(color_256(0xffffff), 231);
	assert_int_equal(color_256(0x5f87ff), 69);
	assert_int_equal(color_256(0x808080), 244);
	/* without colours everything is told apart by attributes alone */
	struct look look = style_look(THEME_MONO, ST_NORMAL, ST_SELECTED);
	assert_int_equal(look.attr, LOOK_REVERSE);
	assert_int_equal(look.fg, -1);
}

static void addresses_are_hexadecimal_sums(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t at;
	} good[] = {
		{ "7f00", 0x7f00 },
		{ "0x7f00", 0x7f00 },
		{ " 7f00 + 10 ", 0x7f10 },
		{ "0x7f00+0x10+1", 0x7f11 },
		{ "ffffffffffffffff", UINT64_MAX },
	};
	static const char *const bad[] = { "",
					   "-1",
					   "+1",
					   "1+",
					   "1-1",
					   "0x7f00 10",
					   "zz",
					   "1 ++ 1",
					   "10000000000000000",
					   "ffffffffffffffff+1" };
	uint64_t at;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(address_parse(good[i].text, &at), 0);
		assert_int_equal(at, good[i].at);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(address_parse(bad[i], &at), -EINVAL);
}

/* 10 000 processes of which each third shares a table of 10 000 descriptors */
static void fd_rows_keep_a_shared_table_once(void **state)
{
	(void)state;
	enum { NR = 10000 };
	static struct process processes[NR];
	struct fd_rows rows = { 0 };
	const struct process *p;
	for (uint32_t i = 0; i < NR; i++) {
		int rc = fd_rows_begin(&rows, &processes[i], i % 3 ? i : 0);
		assert_int_equal(rc, i && i % 3 == 0);
		for (uint32_t fd = 0; rc == 0 && fd < (i % 3 ? 1 : NR); fd++)
			assert_int_equal(fd_rows_add(&rows, &(struct fd_entry){ fd, 0, i, 0 }), 0);
	}
	const size_t shared = NR, own = 2; /* three processes have so many rows */
	assert_int_equal(fd_rows_count(&rows), 3334 * shared + 3333 * own);
	assert_int_equal(rows.entries.nr, shared + 3333 * own);
	/* the first and the last row of processes */
	size_t of_three = shared + own;
	assert_int_equal(fd_rows_at(&rows, 1000 * of_three, &p)->fd, 0);
	assert_ptr_equal(p, &processes[3000]);
	assert_int_equal(fd_rows_at(&rows, 1000 * of_three + shared - 1, &p)->fd, NR - 1);
	assert_ptr_equal(p, &processes[3000]);
	assert_int_equal(fd_rows_at(&rows, 1000 * of_three + shared, &p)->id, 3001);
	assert_ptr_equal(p, &processes[3001]);
	assert_int_equal(fd_rows_at(&rows, fd_rows_count(&rows) - 1, &p)->fd, NR - 1);
	assert_ptr_equal(p, &processes[NR - 1]);
	fd_rows_fini(&rows);
}

static void fd_rows_end_where_memory_would(void **state)
{
	(void)state;
	struct process process = { 0 };
	struct fd_rows rows = { 0 };
	assert_int_equal(fd_rows_begin(&rows, &process, 1), 0);
	for (uint32_t i = 0; i < FD_ENTRIES_MAX; i++)
		assert_int_equal(fd_rows_add(&rows, &(struct fd_entry){ .fd = i }), 0);
	assert_int_equal(fd_rows_add(&rows, &(struct fd_entry){ 0 }), -EFBIG);
	assert_int_equal(fd_rows_count(&rows), FD_ENTRIES_MAX);
	fd_rows_fini(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keymap_has_no_key_twice_in_a_place),
		cmocka_unit_test(keymap_has_every_action_once_in_order),
		cmocka_unit_test(keymap_has_digits_for_tabs_alone),
		cmocka_unit_test(key_elsewhere_names_a_place),
		cmocka_unit_test(key_parse_reads_characters_and_names),
		cmocka_unit_test(canvas_text_cuts_wide_characters_whole),
		cmocka_unit_test(canvas_text_leaves_no_half_of_a_wide_character),
		cmocka_unit_test(canvas_text_puts_marks_on_their_character),
		cmocka_unit_test(canvas_ignores_what_is_outside),
		cmocka_unit_test(line_cells_are_aligned_and_cut),
		cmocka_unit_test(line_columns_grow_with_the_screen),
		cmocka_unit_test(line_name_keeps_the_end_and_room_behind_it),
		cmocka_unit_test(line_break_is_between_words),
		cmocka_unit_test(line_match_marks_every_place),
		cmocka_unit_test(sizes_take_five_characters),
		cmocka_unit_test(colours_of_256_are_the_nearest),
		cmocka_unit_test(addresses_are_hexadecimal_sums),
		cmocka_unit_test(fd_rows_keep_a_shared_table_once),
		cmocka_unit_test(fd_rows_end_where_memory_would),
		cmocka_unit_test(widths_are_those_of_libc),
		cmocka_unit_test(canvas_takes_no_control_characters),
	};
	return cmocka_run_group_tests_name("viewer", tests, NULL, NULL);
}
