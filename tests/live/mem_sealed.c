/* SPDX-License-Identifier: MIT
 * Memory sealed by mseal(2): private, shared, of a file, read-only; with neighbours that are not.
 * live-modes: SS RR 2S
 * live-skip: grep -q mseal /proc/kallsyms
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

#define PAGE  4096ul
#define MSEAL 462

static unsigned char *map(int prot, int flags, int fd)
{
	unsigned char *p = mmap(NULL, 4 * PAGE, prot, flags, fd, 0);
	live_must(p != MAP_FAILED);
	return p;
}

static void seal(unsigned char *p)
{
	live_must(syscall(MSEAL, p, 4 * PAGE, 0) == 0);
}

static void check_sealed(const char *what, unsigned char *p, int value)
{
	for (unsigned long i = 0; i < 4 * PAGE; i += PAGE) {
		live_check(p[i] == value, "%s: byte %lu is %d", what, i, p[i]);
		live_check(mprotect(p + i, PAGE, PROT_NONE) < 0 && errno == EPERM,
			   "%s: page %lu is not sealed", what, i / PAGE);
	}
	live_check(munmap(p, PAGE) < 0 && errno == EPERM, "%s can be unmapped", what);
}

int main(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	int fd = open(live_path("file"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	live_must(fd >= 0 && ftruncate(fd, 4 * PAGE) == 0);
	unsigned char *own = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *shared = map(rw, MAP_SHARED | MAP_ANONYMOUS, -1);
	unsigned char *file = map(rw, MAP_SHARED, fd);
	unsigned char *still = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *open = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(own, 'o', 4 * PAGE);
	memset(shared, 's', 4 * PAGE);
	memset(file, 'f', 4 * PAGE);
	memset(still, 'r', 4 * PAGE);
	live_must(mprotect(still, 4 * PAGE, PROT_READ) == 0);
	live_must(madvise(own, 4 * PAGE, MADV_DONTFORK) == 0 && mlock(shared, 4 * PAGE) == 0);
	seal(own);
	seal(shared);
	seal(file);
	seal(still);

	live_ready();

	check_sealed("private memory", own, 'o');
	check_sealed("shared memory", shared, 's');
	check_sealed("a shared file", file, 'f');
	check_sealed("read-only memory", still, 'r');
	live_check(mprotect(open, 4 * PAGE, PROT_NONE) == 0, "a neighbour is sealed, too");
	live_pass();
}
