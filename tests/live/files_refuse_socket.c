/* SPDX-License-Identifier: MIT
 * A socket is refused by family, and goes on working.
 * live-refuse: is a unix stream socket
 */
#include <sys/socket.h>

#include "tests/live/live.h"

int main(void)
{
	int fds[2];
	char c = 0;
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 && write(fds[0], "x", 1) == 1);
	live_ready();
	live_check(read(fds[1], &c, 1) == 1 && c == 'x', "the socket lost its contents");
	live_pass();
}
