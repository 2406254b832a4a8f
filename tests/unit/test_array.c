/* SPDX-License-Identifier: MIT
 * Arrays that are searched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/array.h"

static size_t before(const int *items, size_t nr, int key)
{
	return array_lower_bound(nr, k, items[k] < key);
}

static void lower_bound_is_the_first_that_is_not_before(void **state)
{
	(void)state;
	static const int items[] = { 2, 4, 4, 4, 7 };
	assert_int_equal(before(items, ARRAY_SIZE(items), 1), 0);
	assert_int_equal(before(items, ARRAY_SIZE(items), 2), 0);
	assert_int_equal(before(items, ARRAY_SIZE(items), 3), 1);
	assert_int_equal(before(items, ARRAY_SIZE(items), 4), 1);
	assert_int_equal(before(items, ARRAY_SIZE(items), 5), 4);
	assert_int_equal(before(items, ARRAY_SIZE(items), 7), 4);
}

static void lower_bound_is_the_number_where_all_are_before(void **state)
{
	(void)state;
	static const int items[] = { 2, 4 };
	assert_int_equal(before(items, ARRAY_SIZE(items), 5), 2);
	assert_int_equal(before(items, 0, 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lower_bound_is_the_first_that_is_not_before),
		cmocka_unit_test(lower_bound_is_the_number_where_all_are_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
