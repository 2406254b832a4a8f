/* SPDX-License-Identifier: MIT
 * Many small things from one pool: none in another's place, all zeroed, of any size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/pool.h"

#define NR 3000

static void fill(struct pool *p, unsigned char seed)
{
	static unsigned char *things[NR];
	for (size_t i = 0; i < NR; i++) {
		size_t size = i == 100 ? 1 << 20 : i % 61;
		things[i] = pool_alloc(p, size);
		assert_non_null(things[i]);
		assert_int_equal((uintptr_t)things[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(things[i][k], 0);
		memset(things[i], (int)(seed + i), size);
	}
	for (size_t i = 0; i < NR; i++)
		for (size_t k = 0; k < (i == 100 ? 1 << 20 : i % 61); k++)
			assert_int_equal(things[i][k], (unsigned char)(seed + i));
}

static void pool_keeps_things_apart_and_begins_again(void **state)
{
	(void)state;
	struct pool p = { 0 };
	pool_reset(&p);
	fill(&p, 1);
	pool_reset(&p);
	fill(&p, 7);
	pool_fini(&p);
	assert_null(p.chunks);
}

static void pool_reset_keeps_what_was_enough(void **state)
{
	(void)state;
	struct pool p = { 0 };
	void *first = pool_alloc(&p, 100);
	assert_non_null(pool_alloc(&p, 100));
	pool_reset(&p);
	assert_ptr_equal(pool_alloc(&p, 200), first);
	pool_fini(&p);
}

static void pool_refuses_more_than_there_is(void **state)
{
	(void)state;
	struct pool p = { 0 };
	assert_null(pool_alloc(&p, SIZE_MAX));
	assert_null(pool_alloc(&p, SIZE_MAX - 100));
	pool_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_keeps_things_apart_and_begins_again),
		cmocka_unit_test(pool_reset_keeps_what_was_enough),
		cmocka_unit_test(pool_refuses_more_than_there_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
