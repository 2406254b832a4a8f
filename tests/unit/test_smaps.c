/* SPDX-License-Identifier: MIT
 * The text of smaps into mappings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "engine/mem/smaps.h"
#include "engine/mem/uapi.h"

static int parse(const char *text, struct vma_list *out, size_t *used)
{
	struct error err = { 0 };

	*out = (struct vma_list){ 0 };
	return smaps_parse(text, strlen(text), out, used, &err);
}

static void smaps_reads_header_and_flags(void **state)
{
	(void)state;
	struct vma_list l;
	size_t used;
	const char *text =
	    "7f00aa001000-7f00aa003000 rw-s 00002000 fe:01 332383                     /a b/c\n"
	    "Size:                  8 kB\n"
	    "Shared_Clean:          0 kB\n"
	    "Shared_Dirty:          4 kB\n"
	    "VmFlags: rd wr sh mr mw me ms lo dc dd nh sd \n"
	    "7f00aa003000-7f00aa004000 --xp 00000000 00:00 0 \n"
	    "VmFlags: ex gd dp wf nr \n";
	assert_int_equal(parse(text, &l, &used), 0);
	assert_int_equal(used, strlen(text));
	assert_int_equal(l.nr, 2);
	const struct vma *v = &l.items[0];
	assert_int_equal(v->start, 0x7f00aa001000);
	assert_int_equal(v->end, 0x7f00aa003000);
	assert_int_equal(v->pgoff, 0x2000);
	assert_int_equal(v->prot, PROT_READ | PROT_WRITE);
	assert_int_equal(v->flags, MAP_SHARED | MAP_LOCKED);
	assert_int_equal(v->madv, 1 << MADV_DONTFORK | 1 << MADV_DONTDUMP | 1 << MADV_NOHUGEPAGE);
	assert_int_equal(v->vm_flags, VM_FLAG_MAYWRITE | VM_FLAG_COMMON);
	assert_int_equal(v->dev, makedev(0xfe, 1));
	assert_int_equal(v->ino, 332383);
	assert_string_equal(v->path, "/a b/c");
	v = &l.items[1];
	assert_null(v->path);
	assert_int_equal(v->prot, PROT_EXEC);
	assert_int_equal(v->flags, MAP_DROPPABLE | MAP_GROWSDOWN | MAP_NORESERVE);
	assert_int_equal(v->madv, 1 << MADV_WIPEONFORK);
	vma_list_fini(&l);
}

static void smaps_reads_the_size_of_huge_pages(void **state)
{
	(void)state;
	struct vma_list l;
	size_t used;
	const char *text = "40000000-80000000 rw-p 00000000 00:0f 3 /anon_hugepage (deleted)\n"
			   "KernelPageSize:  1048576 kB\nVmFlags: rd wr ht \n"
			   "80000000-80001000 rw-p 00000000 00:00 0 \n"
			   "KernelPageSize:        4 kB\nVmFlags: rd wr \n";
	assert_int_equal(parse(text, &l, &used), 0);
	assert_int_equal(l.items[0].flags, MAP_PRIVATE | MAP_HUGETLB | 30 << 26);
	assert_int_equal(l.items[0].page_size, 1 << 30);
	assert_int_equal(l.items[1].flags, MAP_PRIVATE);
	vma_list_fini(&l);
}

static void smaps_leaves_an_unfinished_line(void **state)
{
	(void)state;
	struct vma_list l;
	size_t used;
	const char *text = "1000-2000 r--p 00000000 00:00 0 \nVmFlags: rd";
	assert_int_equal(parse(text, &l, &used), 0);
	assert_int_equal(used, strchr(text, '\n') + 1 - text);
	vma_list_fini(&l);
}

static void smaps_joins_pieces(void **state)
{
	(void)state;
	struct vma_list l;
	size_t used;
	assert_int_equal(parse("1000-2000 r--p 00000000 00:00 0 \n", &l, &used), 0);
	const char *more = "VmFlags: rd sr \n";
	assert_int_equal(smaps_parse(more, strlen(more), &l, &used, NULL), 0);
	assert_int_equal(l.items[0].madv, 1 << MADV_SEQUENTIAL);
	vma_list_fini(&l);
}

static void smaps_rejects(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"Size: 4 kB\n",
		"1000 r--p 00000000 00:00 0\n",
		"2000-1000 r--p 00000000 00:00 0\n",
		"1000-1000 r--p 00000000 00:00 0\n",
		"1001-2000 r--p 00000000 00:00 0\n",
		"1000-2000 r--p 00000001 00:00 0\n",
		"1000-2000 r-\n",
		"11111111111111111000-2000 r--p 00000000 00:00 0\n",
		"1000-2000 r--p 00000000 00:00 99999999999999999999999\n",
		"3000-4000 r--p 00000000 00:00 0 \n1000-2000 r--p 00000000 00:00 0 \n",
		"1000-3000 r--p 00000000 00:00 0 \n2000-4000 r--p 00000000 00:00 0 \n",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vma_list l;
		size_t used;
		assert_int_equal(parse(bad[i], &l, &used), -EBADMSG);
		vma_list_fini(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smaps_reads_header_and_flags),
		cmocka_unit_test(smaps_reads_the_size_of_huge_pages),
		cmocka_unit_test(smaps_leaves_an_unfinished_line),
		cmocka_unit_test(smaps_joins_pieces),
		cmocka_unit_test(smaps_rejects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
