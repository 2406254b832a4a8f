/* SPDX-License-Identifier: MIT
 * With --tcp-close connections are given up, those that wait to be accepted are dropped, and who
 * listens goes on listening.
 *
 * live-dump: --tcp-close --skip-in-flight
 * live-restore: --tcp-close
 * live-modes: SS SC CS
 * live-net: true
 */
#include "tests/live/tcp.h"

static void peer(void *arg)
{
	(void)arg;
	char c;
	int fd = tcp_connect("127.0.0.1", 7500), in_flight = tcp_connect("127.0.0.1", 7500);
	live_must(in_flight >= 0);
	live_say("connected", "yes");
	tcp_readable(fd, "peer");
	live_check(recv(fd, &c, 1, 0) <= 0, "the peer reads a byte");
	tcp_readable(in_flight, "peer, in flight");
	live_say("closed", "yes");
}

int main(void)
{
	int listening = tcp_listen("127.0.0.1", 7500);
	tcp_outside(peer, NULL, -1);
	int fd = accept(listening, NULL, NULL);
	live_must(fd >= 0);
	while (access(live_path("connected"), F_OK) < 0)
		live_sleep_ms(5);
	live_ready();
	char c;
	live_check(tcp_state(fd) == TCP_CLOSE, "state is %d", tcp_state(fd));
	live_check(recv(fd, &c, 1, MSG_DONTWAIT) == 0, "it is not at its end");
	live_check(send(fd, &c, 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "send: %s",
		   strerror(errno));
	while (access(live_path("closed"), F_OK) < 0)
		live_sleep_ms(5);
	int fresh = tcp_connect("127.0.0.1", 7500), other = accept(listening, NULL, NULL);
	live_check(other >= 0, "accept: %s", strerror(errno));
	tcp_put(fresh, "hello", "fresh");
	tcp_expect(other, "hello", "fresh");
	live_pass();
}
