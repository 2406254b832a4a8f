/* SPDX-License-Identifier: MIT
 * Pages of this process.
 */
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/page.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

#define FEW 16 /* pages that are not worth a system call */

void pages_bring_in(void *at, size_t len)
{
	uintptr_t start = ((uintptr_t)at + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	uintptr_t end = ((uintptr_t)at + len) & ~(uintptr_t)(PAGE - 1);

	if (end > start && end - start >= FEW * PAGE)
		madvise((void *)start, end - start, MADV_POPULATE_WRITE);
}
