/* SPDX-License-Identifier: MIT
 * Maps of user and group ids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/array.h"
#include "engine/ns/user.h"

static void ids_are_turned_both_ways(void **state)
{
	(void)state;
	struct user_maps maps = { 0 };
	assert_int_equal(
	    id_map_parse("         0     100000       1000\n      5000         7          1\n",
			 &maps.kinds[ID_USER], NULL),
	    0);
	assert_int_equal(id_inside(&maps, ID_USER, 100000), 0);
	assert_int_equal(id_inside(&maps, ID_USER, 100999), 999);
	assert_int_equal(id_inside(&maps, ID_USER, 101000), 65534);
	assert_int_equal(id_inside(&maps, ID_USER, 7), 5000);
	assert_int_equal(id_outside(&maps, ID_USER, 5000), 7);
	assert_int_equal(id_outside(&maps, ID_USER, 999), 100999);
	assert_int_equal(id_outside(&maps, ID_USER, 1000), 65534);
	assert_int_equal(id_inside(NULL, ID_GROUP, 42), 42);
	free(maps.kinds[ID_USER].items);
}

static void bad_maps_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "0 0 0\n", "0 4294967290 10\n", "1 2 x\n",
					     "1 2 3 4\n" };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct id_map map = { 0 };
		assert_true(id_map_parse(texts[i], &map, NULL) < 0);
		free(map.items);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_turned_both_ways),
		cmocka_unit_test(bad_maps_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
