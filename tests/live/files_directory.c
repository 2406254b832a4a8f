/* SPDX-License-Identifier: MIT
 * A directory keeps O_DIRECTORY; a file made by O_TMPFILE, which has that in it, is opened again.
 * live-modes: SS RR 2S
 */
#include "tests/live/live.h"

int main(void)
{
	char buf[4];
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	int nameless = open(".", O_RDWR | O_TMPFILE, 0600);
	live_must(dir >= 0 && nameless >= 0 && write(nameless, "tmp", 3) == 3);
	int plain = open(".", O_RDONLY);
	int flags = fcntl(dir, F_GETFL), plain_flags = fcntl(plain, F_GETFL);
	live_must(flags & O_DIRECTORY && !(plain_flags & O_DIRECTORY));
	live_ready();

	live_check(fcntl(dir, F_GETFL) == flags, "flags are %#o, were %#o", fcntl(dir, F_GETFL),
		   flags);
	live_check(fcntl(plain, F_GETFL) == plain_flags, "flags are %#o, were %#o",
		   fcntl(plain, F_GETFL), plain_flags);
	live_check(pread(nameless, buf, 4, 0) == 3 && !memcmp(buf, "tmp", 3),
		   "the file is another");
	live_pass();
}
