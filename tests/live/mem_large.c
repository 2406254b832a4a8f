/* SPDX-License-Identifier: MIT
 * Megabytes in one piece, every page different, with one that was never written.
 */
#include <sys/mman.h>

#include "tests/live/live.h"

#define PAGE 4096ul
#define NR   (24ul << 20 >> 12)
#define HOLE (NR - 100)

static unsigned long word_of(unsigned long page)
{
	return page == HOLE ? 0 : page * 0x9e3779b97f4a7c15ul;
}

int main(void)
{
	unsigned long *area =
	    mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	live_must(area != MAP_FAILED);
	madvise(area, NR * PAGE, MADV_NOHUGEPAGE);
	for (unsigned long i = 0; i < NR; i++)
		for (unsigned long k = 0; i != HOLE && k < PAGE / sizeof(*area); k++)
			area[i * PAGE / sizeof(*area) + k] = word_of(i) + k;
	live_ready();
	for (unsigned long i = 0; i < NR; i++)
		for (unsigned long k = 0; k < PAGE / sizeof(*area); k++)
			live_check(
			    area[i * PAGE / sizeof(*area) + k] == (i == HOLE ? 0 : word_of(i) + k),
			    "page %lu, word %lu: %lx", i, k, area[i * PAGE / sizeof(*area) + k]);
	live_pass();
}
