/* SPDX-License-Identifier: MIT
 * A removed name while another is left, elsewhere: the dump asks for --link-remap, and makes
 * nothing.
 *
 * live-refuse: 1 other: with --link-remap
 */
#include "tests/live/live.h"

int main(void)
{
	int dir = open(live_path("."), O_RDONLY);
	int fd = openat(dir, "name", O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && mkdirat(dir, "sub", 0700) == 0 &&
		  linkat(dir, "name", dir, "sub/kept", 0) == 0);
	live_must(unlinkat(dir, "name", 0) == 0);
	live_ready();
	live_check(write(fd, "on", 2) == 2, "write: %s", strerror(errno));
	live_pass();
}
