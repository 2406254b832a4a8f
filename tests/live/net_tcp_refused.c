/* SPDX-License-Identifier: MIT
 * A TCP connection that was refused needs no --tcp-established, at neither end of the way. Its
 * error, which nobody can read but the task, is lost with a warning.
 *
 * live-modes: SS
 * live-net: true
 * live-between: grep -q "fd 3 is a socket with an error that waits" dump.log
 */
#include "tests/live/tcp.h"

int main(void)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, "127.0.0.1", 7830);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	live_must(fd == 3 && connect(fd, &addr.any, len) < 0);
	tcp_wait_state(fd, TCP_CLOSE);
	live_ready();
	live_check(tcp_state(fd) == TCP_CLOSE, "state %d", tcp_state(fd));
	live_check(send(fd, "x", 1, MSG_NOSIGNAL) < 0, "it can send");
	live_pass();
}
