/* SPDX-License-Identifier: MIT
 * Tests of base/pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/page.h"
#include "base/pages.h"

#define NR 64

static size_t count_present(void *at)
{
	unsigned char present[NR];
	size_t nr = 0;

	assert_int_equal(mincore(at, NR * PAGE, present), 0);
	for (size_t i = 0; i < NR; i++)
		nr += present[i] & 1;
	return nr;
}

static void pages_bring_in_leaves_what_is_there(void **state)
{
	(void)state;
	char *at =
	    mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	madvise(at, NR * PAGE, MADV_NOHUGEPAGE);
	strcpy(at + 20 * PAGE, "here");
	assert_int_equal(count_present(at), 1);
	pages_bring_in(at + 1, NR * PAGE - 2); /* whole pages only */
	size_t present = count_present(at);
	assert_true(present == NR - 2 || present == 1); /* the latter before Linux 5.14 */
	assert_string_equal(at + 20 * PAGE, "here");
	munmap(at, NR * PAGE);
}

static void pages_bring_in_passes_over_little(void **state)
{
	(void)state;
	char *at =
	    mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	madvise(at, NR * PAGE, MADV_NOHUGEPAGE);
	pages_bring_in(at + 100, 2 * PAGE);
	pages_bring_in(at + 100, 0);
	assert_int_equal(count_present(at), 0);
	munmap(at, NR * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_bring_in_leaves_what_is_there),
		cmocka_unit_test(pages_bring_in_passes_over_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
