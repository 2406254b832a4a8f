/* SPDX-License-Identifier: MIT
 * A mapped memfd is refused by name, and the program lives on.
 * live-refuse: memfd
 */
#include <sys/mman.h>

#include "tests/live/live.h"

int main(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	live_must(fd >= 0 && ftruncate(fd, 4096) == 0);
	live_must(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	close(fd);
	live_ready();
	live_pass();
}
