/* SPDX-License-Identifier: MIT
 * Runs of printable bytes, against looking at one byte after the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "convert/memory/printable.h"

enum { SIZE = 300, ROUNDS = 400 };

static size_t run_of(const unsigned char *bytes, size_t len)
{
	size_t n = 0;
	while (n < len && is_printable(bytes[n]))
		n++;
	return n;
}

/* Runs of all lengths, ended by the neighbours of what is printable. */
static void fill(unsigned char *bytes)
{
	static const unsigned char ends[] = { 0x1f, 0x7f, 0, '\n', 8, 0x80, 0xff, 0xa0 };
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = rand() % 8 ? (unsigned char)(' ' + rand() % 95) : ends[rand() % 8];
	for (size_t at = 0; at < SIZE; at += 1 + (size_t)rand() % 90)
		bytes[at] = '\t';
	for (size_t i = (size_t)rand() % SIZE, end = i + (size_t)rand() % 80; i < end && i < SIZE;
	     i++)
		bytes[i] = '~';
}

static void run_ends_at_the_first_other_byte(void **state)
{
	unsigned char bytes[SIZE];
	(void)state;
	srand(1);
	for (int round = 0; round < ROUNDS; round++) {
		fill(bytes);
		for (size_t from = 0; from < SIZE; from++)
			assert_int_equal(printable_run(bytes + from, SIZE - from),
					 run_of(bytes + from, SIZE - from));
	}
}

static void none_passes_over_short_runs_alone(void **state)
{
	static const size_t least[] = { 1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 64, 1000 };
	unsigned char bytes[SIZE];
	(void)state;
	srand(2);
	for (int round = 0; round < ROUNDS; round++) {
		size_t min = least[(size_t)round % (sizeof(least) / sizeof(*least))];
		size_t from = (size_t)rand() % 40, len = SIZE - from;
		fill(bytes);
		size_t none = printable_none(bytes + from, len, min);
		assert_true(none <= len);
		for (size_t at = 0; at < none; at++)
			assert_true(run_of(bytes + from + at, len - at) < min);
		assert_true(none + min > len || run_of(bytes + from + none, len - none) >= min);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_ends_at_the_first_other_byte),
		cmocka_unit_test(none_passes_over_short_runs_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
