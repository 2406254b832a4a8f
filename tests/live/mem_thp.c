/* SPDX-License-Identifier: MIT
 * Transparent huge pages: memory that asked for them has them again right away where it was full,
 * and takes no more than it had where it was not.
 *
 * live-modes: SS CS RR 2S
 * live-skip: grep -qv '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled
 */
#include <sys/mman.h>

#include "tests/live/live.h"

#define PAGE  4096ul
#define HUGE  (2ul << 20)
#define WHOLE 6 /* full ones, after one that begins in the middle */

static char *area;

static unsigned long word_of(unsigned long page)
{
	return (page + 1) * 0x9e3779b97f4a7c15ul;
}

static int is_written(unsigned long page)
{
	unsigned long huge = page * PAGE / HUGE, at = page * PAGE % HUGE;

	if (huge == 0) /* its second half */
		return at >= HUGE / 2;
	return huge <= WHOLE || (huge == WHOLE + 1 ? at < HUGE / 4 : at == 3 * PAGE);
}

#define NR ((WHOLE + 3) * HUGE / PAGE)

/* A number of kB of the mapping, as /proc/self/smaps has it. */
static unsigned long kib_of(const char *what)
{
	static char line[512];
	unsigned long start, end, kib, sum = 0;
	int inside = 0;
	FILE *smaps = fopen("/proc/self/smaps", "re");
	live_must(smaps);
	while (fgets(line, sizeof(line), smaps))
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside =
			    start < (unsigned long)area + NR * PAGE && end > (unsigned long)area;
		else if (inside && !strncmp(line, what, strlen(what)) &&
			 sscanf(line + strlen(what), ": %lu kB", &kib) == 1)
			sum += kib;
	fclose(smaps);
	return sum;
}

int main(void)
{
	char *room = mmap(NULL, NR * PAGE + HUGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	live_must(room != MAP_FAILED);
	area = (char *)(((unsigned long)room + HUGE - 1) & ~(HUGE - 1));
	/* the full ones may be huge from the first byte on, the others only later */
	live_must(madvise(area + HUGE, WHOLE * HUGE, MADV_HUGEPAGE) == 0);
	for (unsigned long i = 0; i < NR; i++)
		if (is_written(i))
			*(unsigned long *)(area + i * PAGE) = word_of(i);
	unsigned long huge = kib_of("AnonHugePages"), rss = kib_of("Rss");
	live_check(huge, "no huge page to begin with");
	live_must(madvise(area, NR * PAGE, MADV_HUGEPAGE) == 0);
	live_ready();
	unsigned long huge_now = kib_of("AnonHugePages"), rss_now = kib_of("Rss");
	for (unsigned long i = 0; i < NR; i++)
		if (is_written(i))
			live_check(*(unsigned long *)(area + i * PAGE) == word_of(i),
				   "page %lu: %lx", i, *(unsigned long *)(area + i * PAGE));
	live_check(huge_now == huge, "%lu kB in huge pages were %lu", huge_now, huge);
	live_check(rss_now == rss, "%lu kB in memory were %lu", rss_now, rss);
	live_pass();
}
