/* SPDX-License-Identifier: MIT
 * How far addresses of programs go. Beyond 47 bits lies only what a program has asked for.
 * Source: Documentation/arch/x86/x86_64/5level-paging.rst.
 */
#include <errno.h>
#include <sys/mman.h>

#include "base/page.h"
#include "engine/mem/mem.h"

#define FOUR_LEVELS (1ull << 47)
#define FIVE_LEVELS (1ull << 56)

uint64_t mem_user_end(void)
{
	void *above = mmap((void *)FOUR_LEVELS, PAGE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (above != MAP_FAILED)
		munmap(above, PAGE);
	bool five = above != MAP_FAILED || errno == EEXIST;
	return (five ? FIVE_LEVELS : FOUR_LEVELS) - PAGE;
}
