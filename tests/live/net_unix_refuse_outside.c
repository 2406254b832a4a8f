/* SPDX-License-Identifier: MIT
 * A stream whose other end is outside the tree is refused, and goes on working.
 * live-refuse: is a unix socket connected to one outside the tree
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/live/live.h"

/* The other end is held by a process that is nobody's child here. */
static void hold_outside(int mine, int theirs)
{
	if (fork() != 0) {
		wait(NULL);
		return;
	}
	if (fork() == 0) {
		char c;
		setsid();
		close(mine);
		while (read(theirs, &c, 1) == 1 && write(theirs, &c, 1) == 1)
			;
	}
	_exit(0);
}

int main(void)
{
	int fds[2];
	char c = 0;
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	hold_outside(fds[0], fds[1]);
	close(fds[1]);
	live_ready();
	live_check(write(fds[0], "x", 1) == 1 && read(fds[0], &c, 1) == 1 && c == 'x',
		   "the echo is gone");
	live_pass();
}
