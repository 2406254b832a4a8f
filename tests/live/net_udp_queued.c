/* SPDX-License-Identifier: MIT
 * Datagrams that wait in UDP and UDP-Lite sockets are there afterwards, in order and with their
 * senders: IPv4, IPv6, IPv4 inside IPv6, connected, bound to all addresses; empty and large ones.
 *
 * live-modes: SS RR 2S
 * live-net: true
 */
#include <stdbool.h>

#include "tests/live/tcp.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif
#define LARGE 60000

static int udp(const char *address, int port, int protocol)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, address, port);
	int fd = socket(addr.any.sa_family, SOCK_DGRAM, protocol);
	live_must(fd >= 0 && bind(fd, &addr.any, len) == 0);
	return fd;
}

static void put(int fd, const char *to, int port, const char *data, size_t size)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, to, port);
	live_must(sendto(fd, data, size, 0, &addr.any, len) == (ssize_t)size);
}

static void expect(int fd, const char *want, size_t size, int port, const char *what)
{
	static char got[LARGE + 1];
	union tcp_addr from = { .any = { 0 } };
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, got, sizeof(got), MSG_DONTWAIT, &from.any, &len);
	live_check(n == (ssize_t)size && !memcmp(got, want, size), "%s: read %zd, want %zu: %s",
		   what, n, size, strerror(errno));
	live_check(ntohs(from.v4.sin_port) == port, "%s: from port %d", what,
		   ntohs(from.v4.sin_port));
}

int main(void)
{
	static char large[LARGE];
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)(i * 13 + i / 256);
	int four = udp("127.0.0.1", 7800, 0), all = udp("0.0.0.0", 7801, 0);
	int six = udp("::1", 7802, 0), both = udp("::", 7803, 0);
	int lite = udp("127.0.0.1", 7804, IPPROTO_UDPLITE), bound = udp("127.0.0.1", 7805, 0);
	live_must(setsockopt(bound, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0);
	int from = udp("127.0.0.1", 7810, 0), from6 = udp("::1", 7811, 0);
	int from_lite = udp("127.0.0.1", 7812, IPPROTO_UDPLITE);
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, "127.0.0.1", 7810);
	int connected = udp("127.0.0.1", 7806, 0);
	live_must(connect(connected, &addr.any, len) == 0);
	int other = udp("127.0.0.2", 7800, 0); /* the port of another one */
	put(from, "127.0.0.2", 7800, "other", 5);
	put(from, "127.0.0.1", 7800, "one", 3);
	put(from, "127.0.0.1", 7800, "", 0);
	put(from, "127.0.0.1", 7800, large, LARGE);
	put(from, "127.0.0.1", 7800, "three", 5);
	put(from, "127.0.0.1", 7801, "all", 3);
	put(from6, "::1", 7802, "six", 3);
	put(from6, "::1", 7803, "both", 4);
	put(from, "127.0.0.1", 7803, "mapped", 6);
	put(from_lite, "127.0.0.1", 7804, "lite", 4);
	put(from, "127.0.0.1", 7805, "bound", 5);
	put(from, "127.0.0.1", 7806, "connected", 9);

	live_ready();

	expect(other, "other", 5, 7810, "at another address");
	expect(four, "one", 3, 7810, "first");
	expect(four, "", 0, 7810, "empty");
	expect(four, large, LARGE, 7810, "large");
	expect(four, "three", 5, 7810, "last");
	expect(all, "all", 3, 7810, "bound to all");
	expect(six, "six", 3, 7811, "IPv6");
	expect(both, "both", 4, 7811, "IPv6, bound to all");
	expect(both, "mapped", 6, 7810, "IPv4 in IPv6");
	expect(lite, "lite", 4, 7812, "UDP-Lite");
	expect(bound, "bound", 5, 7810, "bound to a device");
	expect(connected, "connected", 9, 7810, "connected");
	char device[16] = "";
	len = sizeof(device);
	live_check(getsockopt(bound, SOL_SOCKET, SO_BINDTODEVICE, device, &len) == 0 &&
		       !strcmp(device, "lo"),
		   "device %s", device);
	live_pass();
}
