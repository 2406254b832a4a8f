/* SPDX-License-Identifier: MIT
 * The quick part of base64: every way against digits taken one by one, never beyond its memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base/page.h"
#include "convert/json/base64-lines.h"

#define MOST_LINES 5

/* The end of this is where the memory ends. */
static void *fenced(size_t len)
{
	size_t pages = (len + PAGE - 1) / PAGE * PAGE;
	char *at =
	    mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	assert_int_equal(mprotect(at + pages, PAGE, PROT_NONE), 0);
	return at + pages - len;
}

static void unfence(void *at, size_t len)
{
	char *start = (char *)((uintptr_t)at & ~(PAGE - 1));
	munmap(start, (size_t)((char *)at + len - start) + PAGE);
}

static const struct base64_way *const *ways(void)
{
	static const struct base64_way *both[3] = { &base64_plain };
	both[1] = base64_way();
	return both;
}

static void fill(uint8_t *bytes, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		bytes[i] = (uint8_t)(seed >> 16);
	}
}

static void lines_of(const uint8_t *bytes, size_t nr, char *text)
{
	for (; nr; nr--) {
		for (int i = 0; i < BASE64_LINE_BYTES; i += 3, bytes += 3)
			text = base64_encode_group(bytes, text);
		*text++ = '\\';
		*text++ = 'n';
	}
}

static void lines_come_back_at_every_alignment(void **state)
{
	(void)state;
	for (const struct base64_way *const *way = ways(); *way; way++) {
		for (size_t i = 0; i < MOST_LINES * 32; i++) {
			size_t nr = i / 32, off = i % 32, len = nr * BASE64_LINE_BYTES;
			size_t text_len = nr * BASE64_LINE_TEXT;
			uint8_t *bytes = fenced(len + off);
			uint8_t *back = fenced(len + off);
			char *text = fenced(text_len + off);
			char want[MOST_LINES * BASE64_LINE_TEXT];
			fill(bytes, len, (unsigned)i);
			lines_of(bytes, nr, want);
			(*way)->encode_lines(bytes, nr, text);
			assert_memory_equal(text, want, text_len);
			assert_int_equal((*way)->decode_lines(text, text_len, back), nr);
			assert_memory_equal(back, bytes, len);
			unfence(bytes, len + off);
			unfence(back, len + off);
			unfence(text, text_len + off);
		}
	}
}

static void every_digit_stands_for_its_value(void **state)
{
	(void)state;
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[BASE64_LINE_TEXT];
	uint8_t bytes[BASE64_LINE_BYTES];
	for (int c = 0; c < 256; c++) {
		const char *found = c ? strchr(digits, c) : NULL;
		assert_int_equal(base64_value((char)c), found ? found - digits : 255);
	}
	for (const struct base64_way *const *way = ways(); *way; way++) {
		for (int v = 0; v < 64; v++) {
			/* the same value in all four places */
			for (size_t i = 0; i < sizeof(bytes); i += 3) {
				bytes[i] = (uint8_t)(v << 2 | v >> 4);
				bytes[i + 1] = (uint8_t)(v << 4 | v >> 2);
				bytes[i + 2] = (uint8_t)(v << 6 | v);
			}
			(*way)->encode_lines(bytes, 1, text);
			for (int i = 0; i < BASE64_LINE_DIGITS; i++)
				assert_int_equal(text[i], digits[v]);
		}
	}
}

static void lines_end_at_the_first_stranger(void **state)
{
	(void)state;
	uint8_t bytes[2 * BASE64_LINE_BYTES], back[sizeof(bytes)];
	char text[2 * BASE64_LINE_TEXT];
	fill(bytes, sizeof(bytes), 1);
	for (const struct base64_way *const *way = ways(); *way; way++) {
		lines_of(bytes, 2, text);
		for (size_t at = 0; at < BASE64_LINE_TEXT; at++) {
			char was = text[BASE64_LINE_TEXT + at];
			for (int c = 0; c < 256; c++) {
				bool fits = at < BASE64_LINE_DIGITS ? base64_value((char)c) < 64
								    : (char)c == was;
				text[BASE64_LINE_TEXT + at] = (char)c;
				size_t nr = (*way)->decode_lines(text, sizeof(text), back);
				assert_int_equal(nr, fits ? 2 : 1);
			}
			text[BASE64_LINE_TEXT + at] = was;
			/* cut short */
			assert_int_equal((*way)->decode_lines(text, BASE64_LINE_TEXT + at, back),
					 1);
			assert_memory_equal(back, bytes, BASE64_LINE_BYTES);
		}
	}
}

static void groups_end_at_the_first_stranger(void **state)
{
	(void)state;
	static const char strangers[] = { '\n', ' ', '=', '\\',       '"',        '-',
					  '_',  ',', '.', ':',        '@',        '[',
					  '`',  '{', 0,   (char)0x80, (char)0xab, (char)0xff };
	enum { GROUPS = 30 };
	uint8_t bytes[GROUPS * 3];
	char digits[GROUPS * 4];
	fill(bytes, sizeof(bytes), 2);
	for (int i = 0; i < GROUPS; i++)
		base64_encode_group(bytes + i * 3L, digits + i * 4L);
	for (const struct base64_way *const *way = ways(); *way; way++) {
		for (size_t len = 0; len <= sizeof(digits); len++) {
			for (size_t at = 0; at <= len; at++) {
				char *text = fenced(len);
				size_t nr = (at < len ? at : len) / 4;
				memcpy(text, digits, len);
				if (at < len)
					text[at] = strangers[(len + at) % sizeof(strangers)];
				uint8_t *back = fenced(len / 4 * 3);
				assert_int_equal((*way)->decode_groups(text, len, back), nr);
				assert_memory_equal(back, bytes, nr * 3);
				/* in its own place */
				assert_int_equal((*way)->decode_groups(text, len, (uint8_t *)text),
						 nr);
				assert_memory_equal(text, bytes, nr * 3);
				unfence(text, len);
				unfence(back, len / 4 * 3);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_back_at_every_alignment),
		cmocka_unit_test(every_digit_stands_for_its_value),
		cmocka_unit_test(lines_end_at_the_first_stranger),
		cmocka_unit_test(groups_end_at_the_first_stranger),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
