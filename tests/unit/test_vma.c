/* SPDX-License-Identifier: MIT
 * Lists of mappings and ranges of addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/array.h"
#include "engine/context/vma.h"

static void vma_list_find_knows_borders(void **state)
{
	(void)state;
	struct vma items[] = { { .start = 0x1000, .end = 0x3000 },
			       { .start = 0x3000, .end = 0x4000 },
			       { .start = 0x8000, .end = 0x9000 } };
	struct vma_list l = { .items = items, .nr = 3 };
	assert_null(vma_list_find(&l, 0xfff));
	assert_ptr_equal(vma_list_find(&l, 0x1000), &items[0]);
	assert_ptr_equal(vma_list_find(&l, 0x2fff), &items[0]);
	assert_ptr_equal(vma_list_find(&l, 0x3000), &items[1]);
	assert_null(vma_list_find(&l, 0x4000));
	assert_ptr_equal(vma_list_find(&l, 0x8fff), &items[2]);
	assert_null(vma_list_find(&l, 0x9000));
	assert_null(vma_list_find(&(struct vma_list){ 0 }, 0));
}

static struct range_list list_of(const struct range *r, size_t nr)
{
	struct range_list l = { 0 };
	for (size_t i = 0; i < nr; i++)
		*array_add(&l) = r[i];
	return l;
}

static void range_list_join_sorts_and_merges(void **state)
{
	(void)state;
	const struct range in[] = { { 50, 60 }, { 10, 20 }, { 15, 30 }, { 30, 40 }, { 12, 13 } };
	struct range_list l = list_of(in, 5);
	range_list_join(&l);
	assert_int_equal(l.nr, 2);
	assert_int_equal(l.items[0].start, 10);
	assert_int_equal(l.items[0].end, 40);
	assert_int_equal(l.items[1].start, 50);
	free(l.items);
	range_list_join(&(struct range_list){ 0 });
}

static void range_list_gap_respects_both_lists(void **state)
{
	(void)state;
	const struct range a[] = { { 10, 20 }, { 30, 40 } }, b[] = { { 22, 25 } };
	struct range_list la = list_of(a, 2), lb = list_of(b, 1);
	assert_int_equal(range_list_gap(&la, &lb, 10, 100, 5), 25);
	assert_int_equal(range_list_gap(&la, NULL, 10, 100, 10), 20);
	assert_int_equal(range_list_gap(&la, &lb, 10, 100, 60), 40);
	assert_int_equal(range_list_gap(&la, &lb, 10, 100, 61), 0);
	assert_int_equal(range_list_gap(&la, &lb, 10, 100, UINT64_MAX), 0);
	free(la.items);
	free(lb.items);
}

static void vma_is_private_excludes_the_kernels_own(void **state)
{
	(void)state;
	const struct vma anon = { .status = VMA_AREA_REGULAR | VMA_ANON_PRIVATE };
	const struct vma vvar = { .status = VMA_ANON_PRIVATE | VMA_AREA_VVAR };
	const struct vma shared = { .status = VMA_ANON_SHARED };
	assert_true(vma_is_private(&anon));
	assert_false(vma_is_private(&vvar));
	assert_false(vma_is_private(&shared));
	assert_string_equal(vma_kind(&vvar), "vvar");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vma_list_find_knows_borders),
		cmocka_unit_test(range_list_join_sorts_and_merges),
		cmocka_unit_test(range_list_gap_respects_both_lists),
		cmocka_unit_test(vma_is_private_excludes_the_kernels_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
