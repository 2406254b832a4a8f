/* SPDX-License-Identifier: MIT
 * A POSIX lock on a file that is mapped, too: to map it again it is opened and closed, and closing
 * any descriptor of a file gives up all locks on it.
 * live-dump: --file-locks
 * live-restore: --file-locks
 * live-modes: SS RR 2S
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/live/live.h"

int main(void)
{
	int fd = open(live_path("mapped"), O_RDWR | O_CREAT, 0600), status;
	struct flock l = { .l_type = F_WRLCK, .l_start = 7, .l_len = 1 };
	live_must(fd >= 0 && ftruncate(fd, 4096) == 0 && fcntl(fd, F_SETLK, &l) == 0);
	live_must(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	live_ready();
	pid_t pid = fork(), me = getpid();
	if (pid == 0) {
		l = (struct flock){ .l_type = F_RDLCK };
		live_check(fcntl(fd, F_GETLK, &l) == 0 && l.l_type == F_WRLCK && l.l_start == 7 &&
			       l.l_len == 1 && l.l_pid == getppid(),
			   "lock of type %d at %ld by %d", l.l_type, (long)l.l_start, l.l_pid);
		_exit(0);
	}
	live_check(waitpid(pid, &status, 0) == pid && status == 0 && me == getpid(), "child");
	live_pass();
}
