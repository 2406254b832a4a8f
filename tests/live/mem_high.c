/* SPDX-License-Identifier: MIT
 * Memory above 47 bits of addresses, private, shared and of a file.
 * live-skip: grep -qw la57 /proc/cpuinfo
 */
#include <sys/mman.h>

#include "tests/live/live.h"

#define PAGE 4096ul

static unsigned char *map(unsigned long at, int flags, int fd)
{
	unsigned char *p =
	    mmap((void *)at, 2 * PAGE, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, fd, 0);
	live_must(p != MAP_FAILED);
	return p;
}

int main(void)
{
	int fd = open(live_path("file"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	live_must(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0);
	unsigned char *own = map(1ul << 50, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *shared = map(1ul << 52, MAP_SHARED | MAP_ANONYMOUS, -1);
	unsigned char *file = map((1ul << 56) - 4 * PAGE, MAP_SHARED, fd);
	own[PAGE] = 'o';
	shared[PAGE] = 's';
	file[PAGE] = 'f';
	live_ready();
	live_check(own[PAGE] == 'o' && own[0] == 0, "private memory is %d, %d", own[PAGE], own[0]);
	live_check(shared[PAGE] == 's', "shared memory is %d", shared[PAGE]);
	live_check(file[PAGE] == 'f', "the file is %d", file[PAGE]);
	live_pass();
}
