/* SPDX-License-Identifier: MIT
 * Kernel interfaces of address spaces that the C library's headers may lack.
 */
#pragma once

#include <linux/ioctl.h>
#include <stdint.h>

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08 /* Linux 6.11 */
#endif
/* Of vma.flags, those that mmap(2) of a file or segment is given. */
#define MEM_MAP_FLAGS                                                                              \
	((uint32_t)(MAP_PRIVATE | MAP_SHARED | MAP_DROPPABLE | MAP_NORESERVE | MAP_GROWSDOWN))

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif
#ifndef MADV_GUARD_REMOVE
#define MADV_GUARD_REMOVE 103
#endif

#ifndef SYS_mseal
#define SYS_mseal 462 /* Linux 6.10 */
#endif

#ifndef PAGE_IS_GUARD
#define PAGE_IS_GUARD (1 << 8) /* Linux 6.15 */
#endif

#ifndef PAGEMAP_SCAN /* Linux 6.7, Documentation/admin-guide/mm/pagemap.rst */
#define PAGE_IS_FILE    (1 << 2)
#define PAGE_IS_PRESENT (1 << 3)
#define PAGE_IS_SWAPPED (1 << 4)
#define PAGE_IS_PFNZERO (1 << 5)

struct page_region {
	uint64_t start, end, categories;
};
struct pm_scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
#endif
