/* SPDX-License-Identifier: MIT
 * A connection that waits to be accepted is refused without --skip-in-flight.
 *
 * live-dump: --tcp-established
 * live-refuse: --skip-in-flight
 * live-net: true
 */
#include "tests/live/tcp.h"

static void peer(void *arg)
{
	(void)arg;
	int fd = tcp_connect("127.0.0.1", 7400);
	tcp_put(fd, "hello", "peer");
	live_say("said", "yes");
	live_sleep_ms(20000);
}

int main(void)
{
	int listening = tcp_listen("127.0.0.1", 7400);
	tcp_outside(peer, NULL, -1);
	while (access(live_path("said"), F_OK) < 0)
		live_sleep_ms(5);
	live_ready();
	int fd = accept(listening, NULL, NULL);
	live_check(fd >= 0, "accept: %s", strerror(errno));
	tcp_expect(fd, "hello", "tree");
	live_pass();
}
