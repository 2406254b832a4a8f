/* SPDX-License-Identifier: MIT
 * A process of another user: its files, and a pipe that it may open again through /proc.
 * live-user: nobody
 * live-modes: SS RR 2S
 */
#include "tests/live/live.h"

int main(void)
{
	char path[64], c = 0;
	int fds[2], file = open(live_path("file"), O_RDWR | O_CREAT | O_EXCL, 0600);
	live_must(file >= 0 && write(file, "mine", 4) == 4 && pipe(fds) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[1]);
	live_must(close(open(path, O_WRONLY)) == 0);
	live_ready();

	int again = open(path, O_WRONLY);
	live_check(again >= 0, "open %s: %s", path, strerror(errno));
	live_check(write(again, "x", 1) == 1 && read(fds[0], &c, 1) == 1 && c == 'x', "the pipe");
	live_check(lseek(file, 0, SEEK_CUR) == 4, "offset of the file");
	live_check(open(live_path("file"), O_RDONLY) >= 0, "the file: %s", strerror(errno));
	live_pass();
}
