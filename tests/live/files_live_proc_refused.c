/* SPDX-License-Identifier: MIT
 * A file in /proc of a process that is not dumped is refused.
 * live-refuse: a file of a process outside of the tree
 */
#include "tests/live/live.h"

int main(void)
{
	char buf[8];
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/stat", getppid());
	int fd = open(path, O_RDONLY);
	live_must(fd >= 0);
	live_ready();
	live_check(pread(fd, buf, 2, 0) == 2, "it is readable no more");
	live_pass();
}
