/* SPDX-License-Identifier: MIT
 * A file in /proc of a process that is not dumped is refused.
 * live-refuse: a file of a process outside of the tree
 */
#include "tests/live/live.h"

int main(void)
{
	char buf[8];
	int fd = open("/proc/1/stat", O_RDONLY);
	live_must(fd >= 0);
	live_ready();
	live_check(pread(fd, buf, 2, 0) == 2 && buf[0] == '1', "it is readable no more");
	live_pass();
}
