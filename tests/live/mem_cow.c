/* SPDX-License-Identifier: MIT
 * Pages a fork made common stay common: the same frames in parent and child after the restore.
 * CRIU gives the sharing up when a page came after the fork, so it only dumps here.
 * live-modes: SS CS RR 2S
 */
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define PAGE  4096ul
#define PAGES 256

static uint64_t frame(const void *addr)
{
	uint64_t word = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	live_must(pread(fd, &word, 8, (uintptr_t)addr / PAGE * 8) == 8);
	close(fd);
	return word & ((1ull << 55) - 1);
}

int main(void)
{
	unsigned char *area =
	    mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t *frames =
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	live_must(area != MAP_FAILED && frames != MAP_FAILED);
	for (int i = 0; i < PAGES; i++)
		if (i != 13)
			memset(area + i * PAGE, i, PAGE);
	pid_t pid = fork();
	if (pid == 0) {
		unsigned char *more = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		live_must(more != MAP_FAILED);
		memset(more, 'm', 64 * PAGE);
		area[13 * PAGE] = 'x'; /* a page the parent never had */
		area[7 * PAGE] = 'c';  /* one page of its own */
		live_must(madvise(area + 9 * PAGE, PAGE, MADV_DONTNEED) == 0);
		live_wait();
		live_check(area[13 * PAGE] == 'x' && more[63 * PAGE] == 'm',
			   "pages only the child has are lost");
		live_check(area[7 * PAGE] == 'c' && area[9 * PAGE] == 0,
			   "the child's pages are lost");
		for (int i = 0; i < PAGES; i++)
			frames[i] = frame(area + i * PAGE);
		_exit(0);
	}
	area[11 * PAGE] = 'p';
	live_ready();
	int status;
	live_must(waitpid(pid, &status, 0) == pid);
	live_check(status == 0, "child ends with %#x", status);
	live_check(area[7 * PAGE] == 7 && area[9 * PAGE] == 9 && area[11 * PAGE] == 'p',
		   "the parent's pages are lost");
	int common = 0;
	for (int i = 0; i < PAGES; i++)
		common += frames[i] == frame(area + i * PAGE);
	/* The child was born before page 11 changed. */
	live_check(common == PAGES - 4, "%d of %d pages are common, %d expected", common, PAGES,
		   PAGES - 4);
	live_pass();
}
