/* SPDX-License-Identifier: MIT
 * Ten thousand mappings, every other with a page in it.
 */
#include <sys/mman.h>

#include "tests/live/live.h"

#define PAGE 4096ul
#define NR   10000

static int count(void)
{
	static char buf[65536];
	int fd = open("/proc/self/maps", O_RDONLY), lines = 0;
	ssize_t n;
	live_must(fd >= 0);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
	close(fd);
	return lines;
}

int main(void)
{
	char *area =
	    mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	live_must(area != MAP_FAILED);
	for (int i = 0; i < NR; i += 2) {
		*(int *)(area + i * PAGE) = i;
		live_must(mprotect(area + i * PAGE, PAGE, PROT_READ) == 0);
	}
	int maps = count();
	live_ready();
	live_check(count() == maps, "%d mappings before, %d after", maps, count());
	for (int i = 0; i < NR; i++)
		live_check(*(int *)(area + i * PAGE) == (i % 2 ? 0 : i), "page %d is %d", i,
			   *(int *)(area + i * PAGE));
	live_pass();
}
