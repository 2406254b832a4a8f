/* SPDX-License-Identifier: MIT
 * A TCP connection is refused without --tcp-established, and goes on.
 *
 * live-refuse: is a TCP connection (127.0.0.1 port 7400, with 127.0.0.1 port
 * live-net: true
 */
#include "tests/live/tcp.h"

static void peer(void *arg)
{
	(void)arg;
	int fd = tcp_connect("127.0.0.1", 7400);
	tcp_expect(fd, "question", "peer");
	tcp_put(fd, "answer", "peer");
	live_sleep_ms(20000);
}

int main(void)
{
	int listening = tcp_listen("127.0.0.1", 7400);
	tcp_outside(peer, NULL, -1);
	int fd = accept(listening, NULL, NULL);
	live_must(fd >= 0);
	live_ready();
	tcp_put(fd, "question", "tree");
	tcp_expect(fd, "answer", "tree");
	live_pass();
}
