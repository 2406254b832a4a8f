/* SPDX-License-Identifier: MIT
 * A deleted file larger than --ghost-limit is refused, with the option that would help.
 * live-dump: --ghost-limit 256K --link-remap
 * live-refuse: of 393216 bytes, more than --ghost-limit
 */
#include "tests/live/live.h"

/* What a refused dump had linked by then has no name any more. */
int main(void)
{
	static char block[393216];
	struct stat st;
	int dir = open(live_path("."), O_RDONLY);
	int linked = openat(dir, "name", O_RDWR | O_CREAT, 0600);
	live_must(linked >= 0 && linkat(dir, "name", dir, "kept", 0) == 0);
	live_must(unlinkat(dir, "name", 0) == 0);
	int fd = openat(dir, "large", O_RDWR | O_CREAT, 0600);
	memset(block, 'x', sizeof(block));
	live_must(write(fd, block, sizeof(block)) == sizeof(block));
	live_must(unlinkat(dir, "large", 0) == 0);
	live_ready();
	live_check(pread(fd, block, 1, 393215) == 1, "the deleted file lost its contents");
	live_check(fstat(linked, &st) == 0 && st.st_nlink == 1, "a link of the dump is left");
	live_pass();
}
