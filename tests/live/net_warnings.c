/* SPDX-License-Identifier: MIT
 * What a restore warns of names who has the socket: datagrams that cannot be given to one of two
 * with the same port, and an option that this host does not have.
 *
 * live-modes: SS
 * live-net: true
 * live-between: crit decode -i files.img --pretty -o f && sed -i s/cmVubw/eHl6dw/ f
 * live-between: crit encode -i f -o files.img && rm f
 */
#include "tests/live/tcp.h"

static int shared(void)
{
	union tcp_addr addr;
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = tcp_addr(&addr, "127.0.0.1", 7820);
	live_must(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
	live_must(bind(fd, &addr.any, len) == 0);
	live_must(sendto(fd, "x", 1, 0, &addr.any, len) == 1);
	return fd;
}

static void warned(const char *log, int fd, const char *of)
{
	char line[160];
	snprintf(line, sizeof(line), "pid %d (net_warnings): fd %d: %s", getpid(), fd, of);
	live_check(strstr(log, line) != NULL, "no \"%s\" in the log", line);
}

int main(void)
{
	static char log[1 << 16];
	char byte;
	int one = shared(), two = shared();
	int waits = recv(one, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 ? one : two;
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	live_must(setsockopt(tcp, IPPROTO_TCP, TCP_CONGESTION, "reno", 4) == 0);
	live_ready();
	FILE *f = fopen(live_path("img/restore.log"), "r");
	live_check(f && fread(log, 1, sizeof(log) - 1, f) > 0, "no log");
	warned(log, waits, "datagrams that waited are dropped");
	warned(log, tcp, "the socket goes on without option 13 of level 6");
	live_pass();
}
