/* SPDX-License-Identifier: MIT
 * A deleted file is refused, and stays readable.
 * live-refuse: is a deleted file
 */
#include "tests/live/live.h"

int main(void)
{
	char buf[8];
	int fd = open(live_path("gone"), O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && write(fd, "kept", 4) == 4 && unlink(live_path("gone")) == 0);
	live_ready();
	live_check(pread(fd, buf, 8, 0) == 4, "the deleted file lost its contents");
	live_pass();
}
