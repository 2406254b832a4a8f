/* SPDX-License-Identifier: MIT
 * A file lock is refused, naming the option, and stays held.
 * live-refuse: holds a file lock or lease: dump with --file-locks
 */
#include <sys/file.h>

#include "tests/live/live.h"

int main(void)
{
	int fd = open(live_path("locked"), O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && flock(fd, LOCK_EX) == 0);
	live_ready();
	int other = open(live_path("locked"), O_RDWR);
	live_check(flock(other, LOCK_EX | LOCK_NB) < 0, "the lock is gone");
	live_pass();
}
