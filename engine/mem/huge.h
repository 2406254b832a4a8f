/* SPDX-License-Identifier: MIT
 * Sizes of huge pages as mmap(2) and memfd_create(2) want them: the power of two, in the flags.
 */
#pragma once

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_SHIFT 26
#define HUGE_MASK  (0x3fu << HUGE_SHIFT)
#define HUGE_MAX   (1ull << 40) /* bytes; more than any machine has */

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4u
#endif

static inline uint32_t huge_flag(uint64_t size)
{
	return size ? (uint32_t)(63 - __builtin_clzll(size)) << HUGE_SHIFT : 0;
}

/** Bytes; 2 MiB when the flags name no size. */
static inline uint64_t huge_size(uint32_t flags)
{
	uint32_t power = (flags & HUGE_MASK) >> HUGE_SHIFT;
	return power >= 12 && power <= 40 ? UINT64_C(1) << power : UINT64_C(2) << 20;
}
