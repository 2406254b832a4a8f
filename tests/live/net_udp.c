/* SPDX-License-Identifier: MIT
 * UDP and UDP-Lite sockets over IPv4 and IPv6: bound, connected, shut down, sharing a port, bound
 * to a device; ping and raw sockets with their filters.
 *
 * live-net: sysctl -qw net.ipv4.ping_group_range="0 2147483647"
 */
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/udp.h>
#include <stdbool.h>

#include "tests/live/tcp.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);
	live_check(getsockopt(fd, level, name, &value, &len) == 0, "option %d: %s", name,
		   strerror(errno));
	return value;
}

static int udp(const char *address, int port, int protocol, bool shared)
{
	union tcp_addr addr;
	int on = 1;
	socklen_t len = tcp_addr(&addr, address, port);
	int fd = socket(addr.any.sa_family, SOCK_DGRAM, protocol);
	live_must(fd >= 0);
	if (shared)
		live_must(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
	live_must(bind(fd, &addr.any, len) == 0);
	return fd;
}

static void connect_to(int fd, const char *address, int port)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, address, port);
	live_must(connect(fd, &addr.any, len) == 0);
}

/* From a connected one to the other end, and back. */
static void talk(int from, int to, const char *what)
{
	char buf[32] = "";
	union tcp_addr addr;
	socklen_t len = sizeof(addr);
	live_check(send(from, "there", 5, 0) == 5, "%s: send: %s", what, strerror(errno));
	tcp_readable(to, what);
	live_check(recvfrom(to, buf, sizeof(buf), 0, &addr.any, &len) == 5, "%s: receive: %s", what,
		   strerror(errno));
	live_check(sendto(to, "back", 4, 0, &addr.any, len) == 4, "%s: send back: %s", what,
		   strerror(errno));
	tcp_readable(from, what);
	live_check(recv(from, buf, sizeof(buf), 0) == 4, "%s: receive: %s", what, strerror(errno));
}

int main(void)
{
	int on = 1, ttl = 33;
	int four = udp("127.0.0.1", 7600, 0, false), six = udp("::", 7601, 0, false);
	int lite = udp("127.0.0.1", 7602, IPPROTO_UDPLITE, false);
	int four_out = udp("127.0.0.1", 7610, 0, false), six_out = udp("::1", 7611, 0, false);
	int lite_out = udp("127.0.0.1", 7612, IPPROTO_UDPLITE, false);
	connect_to(four_out, "127.0.0.1", 7600);
	connect_to(six_out, "::1", 7601);
	connect_to(lite_out, "127.0.0.1", 7602);
	int shared[2] = { udp("127.0.0.1", 7620, 0, true), udp("127.0.0.1", 7620, 0, true) };
	int shut = udp("127.0.0.1", 7630, 0, false), idle = socket(AF_INET6, SOCK_DGRAM, 0);
	connect_to(shut, "127.0.0.1", 7600);
	live_must(shutdown(shut, SHUT_WR) == 0);
	live_must(setsockopt(four, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0);
	live_must(setsockopt(four, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) == 0);
	live_must(setsockopt(four, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) == 0);
	int ping = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	int raw6 = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	int any = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	live_must(ping >= 0 && raw >= 0 && raw6 >= 0 && any >= 0);
	uint32_t filter = ~(1u << ICMP_ECHOREPLY);
	struct icmp6_filter filter6;
	ICMP6_FILTER_SETBLOCKALL(&filter6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
	live_must(setsockopt(raw, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)) == 0);
	live_must(setsockopt(raw6, IPPROTO_ICMPV6, ICMP6_FILTER, &filter6, sizeof(filter6)) == 0);

	live_ready();

	talk(four_out, four, "IPv4");
	talk(six_out, six, "IPv6");
	talk(lite_out, lite, "UDP-Lite");
	live_check(option(shared[0], SOL_SOCKET, SO_REUSEPORT) == 1, "SO_REUSEPORT is off");
	live_check(option(four, SOL_SOCKET, SO_REUSEPORT) == 0, "SO_REUSEPORT is on");
	live_check(option(four, SOL_SOCKET, SO_REUSEADDR) == 0, "SO_REUSEADDR is on");
	live_check(send(shut, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "it is not shut down");
	live_check(option(four, IPPROTO_IP, IP_PKTINFO) == 1, "IP_PKTINFO is off");
	live_check(option(four, IPPROTO_IP, IP_TTL) == 33, "IP_TTL differs");
	live_check(option(four, SOL_SOCKET, SO_BROADCAST) == 1, "SO_BROADCAST is off");
	live_check(option(idle, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_UDP, "its protocol differs");
	live_check(option(ping, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_ICMP, "its protocol differs");
	live_check(option(any, IPPROTO_IP, IP_HDRINCL) == 1, "IP_HDRINCL is off");
	live_check((uint32_t)option(raw, SOL_RAW, ICMP_FILTER) == filter, "its filter differs");
	struct icmp6_filter got;
	socklen_t len = sizeof(got);
	live_check(getsockopt(raw6, IPPROTO_ICMPV6, ICMP6_FILTER, &got, &len) == 0 &&
		       !memcmp(&got, &filter6, sizeof(got)),
		   "its filter differs");
	live_pass();
}
