/* SPDX-License-Identifier: MIT
 * TCP connections with peers outside of the tree go on: IPv4, IPv6 and IPv4 inside IPv6, either
 * side accepted, with bytes waiting to be read; options; who listens goes on listening.
 *
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 * live-net: true
 */
#include "tests/live/tcp.h"

#define NR_WAYS 3
static const struct way {
	const char *listen, *connect;
	int port;
} ways[NR_WAYS] = {
	{ "127.0.0.1", "127.0.0.1", 7001 },
	{ "::1", "::1", 7002 },
	{ "::", "127.0.0.1", 7003 },
};

/* It connects, says hello before the dump and answers questions after it. */
static void client(void *arg)
{
	const struct way *way = arg;
	int fd = tcp_connect(way->connect, way->port);
	tcp_put(fd, "early bird", "client");
	live_wait();
	tcp_expect(fd, "question", "client");
	tcp_put(fd, "answer", "client");
	tcp_expect_end(fd, "client");
	_exit(0);
}

/* It is connected to, and the other way round. */
static void server(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	live_must(fd >= 0);
	live_wait();
	tcp_expect(fd, "ping", "server");
	tcp_put(fd, "pong", "server");
	tcp_expect(fd, "again", "server");
	tcp_put(fd, "and again", "server");
	live_sleep_ms(20000);
	_exit(0);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);
	live_must(getsockopt(fd, level, name, &value, &len) == 0);
	return value;
}

static void set(int fd, int level, int name, int value)
{
	live_must(setsockopt(fd, level, name, &value, sizeof(value)) == 0);
}

int main(void)
{
	int listening[NR_WAYS], accepted[NR_WAYS];
	for (int i = 0; i < NR_WAYS; i++) {
		listening[i] = tcp_listen(ways[i].listen, ways[i].port);
		tcp_outside(client, (void *)&ways[i], -1);
		accepted[i] = accept(listening[i], NULL, NULL);
		live_must(accepted[i] >= 0);
		tcp_readable(accepted[i], "early bird");
	}
	int theirs = tcp_listen("127.0.0.1", 7010);
	tcp_outside(server, &theirs, theirs);
	int mine = tcp_connect("127.0.0.1", 7010);
	close(theirs);
	set(accepted[0], SOL_SOCKET, SO_KEEPALIVE, 1);
	set(accepted[0], IPPROTO_TCP, TCP_KEEPIDLE, 77);
	set(accepted[0], IPPROTO_TCP, TCP_NODELAY, 1);
	set(accepted[0], IPPROTO_IP, IP_TOS, 16);
	set(mine, SOL_SOCKET, SO_RCVBUF, 30000);
	live_must(fcntl(mine, F_SETFL, O_NONBLOCK) == 0);
	struct tcp_info before, after;
	socklen_t len = sizeof(before);
	live_must(getsockopt(mine, IPPROTO_TCP, TCP_INFO, &before, &len) == 0);

	live_ready();

	len = sizeof(after);
	live_check(getsockopt(mine, IPPROTO_TCP, TCP_INFO, &after, &len) == 0 &&
		       after.tcpi_options == before.tcpi_options &&
		       after.tcpi_snd_wscale == before.tcpi_snd_wscale &&
		       after.tcpi_rcv_wscale == before.tcpi_rcv_wscale,
		   "options %#x, were %#x", after.tcpi_options, before.tcpi_options);
	live_check(option(accepted[0], SOL_SOCKET, SO_KEEPALIVE) == 1, "SO_KEEPALIVE is off");
	live_check(option(accepted[0], IPPROTO_TCP, TCP_KEEPIDLE) == 77, "TCP_KEEPIDLE differs");
	live_check(option(accepted[0], IPPROTO_TCP, TCP_NODELAY) == 1, "TCP_NODELAY is off");
	live_check(option(accepted[0], IPPROTO_IP, IP_TOS) == 16, "IP_TOS differs");
	live_check(option(accepted[0], SOL_SOCKET, SO_REUSEADDR) == 1, "SO_REUSEADDR is off");
	live_check(option(mine, SOL_SOCKET, SO_REUSEADDR) == 0, "SO_REUSEADDR is on");
	live_check(option(mine, SOL_SOCKET, SO_RCVBUF) == 60000, "SO_RCVBUF differs");
	live_check(fcntl(mine, F_GETFL) & O_NONBLOCK, "it blocks now");
	live_check(!(fcntl(accepted[0], F_GETFL) & O_NONBLOCK), "it does not block now");
	tcp_put(mine, "ping", "my own connection");
	tcp_expect(mine, "pong", "my own connection");
	tcp_put(mine, "again", "my own connection");
	tcp_expect(mine, "and again", "my own connection");
	for (int i = 0; i < NR_WAYS; i++) {
		tcp_expect(accepted[i], "early bird", ways[i].connect);
		tcp_put(accepted[i], "question", ways[i].connect);
		tcp_expect(accepted[i], "answer", ways[i].connect);
		int fresh = tcp_connect(ways[i].connect, ways[i].port);
		int other = accept(listening[i], NULL, NULL);
		live_check(other >= 0, "accept: %s", strerror(errno));
		tcp_put(fresh, "new", "a new connection");
		tcp_expect(other, "new", "a new connection");
		live_check(shutdown(accepted[i], SHUT_WR) == 0, "shutdown: %s", strerror(errno));
		tcp_expect_end(accepted[i], ways[i].connect);
	}
	live_pass();
}
