/* SPDX-License-Identifier: MIT
 * Options that the format has no fields for: of IPv4, IPv6, TCP, UDP, netlink, packet and unix
 * sockets; multicast groups with and without sources, which still get what is sent to them.
 *
 * live-modes: SS RR 2S
 * live-net: ip route add 224.0.0.0/4 dev lo
 */
#include <linux/if_packet.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/udp.h>

#include "tests/live/tcp.h"

static const struct {
	int family, type, protocol, level, option, value;
} rows[] = {
	{ AF_INET, SOCK_STREAM, 0, SOL_TCP, TCP_USER_TIMEOUT, 12345 },
	{ AF_INET, SOCK_STREAM, 0, SOL_TCP, TCP_SYNCNT, 3 },
	{ AF_INET, SOCK_STREAM, 0, SOL_TCP, TCP_NOTSENT_LOWAT, 8192 },
	{ AF_INET, SOCK_STREAM, 0, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO },
	{ AF_INET, SOCK_STREAM, 0, SOL_IP, IP_TRANSPARENT, 1 },
	{ AF_INET, SOCK_DGRAM, 0, SOL_IP, IP_RECVERR, 1 },
	{ AF_INET, SOCK_DGRAM, 0, SOL_IP, IP_RECVTTL, 1 },
	{ AF_INET, SOCK_DGRAM, 0, SOL_IP, IP_MULTICAST_TTL, 7 },
	{ AF_INET, SOCK_DGRAM, 0, SOL_IP, IP_MULTICAST_LOOP, 0 },
	{ AF_INET, SOCK_DGRAM, 0, SOL_UDP, 103, 1200 }, /* UDP_SEGMENT */
	{ AF_INET, SOCK_DGRAM, 0, SOL_SOCKET, SO_TIMESTAMPNS, 1 },
	{ AF_INET, SOCK_DGRAM, 0, SOL_SOCKET, SO_RXQ_OVFL, 1 },
	{ AF_INET6, SOCK_DGRAM, 0, SOL_IPV6, IPV6_TCLASS, 0x20 },
	{ AF_INET6, SOCK_DGRAM, 0, SOL_IPV6, IPV6_UNICAST_HOPS, 9 },
	{ AF_INET6, SOCK_DGRAM, 0, SOL_IPV6, IPV6_RECVTCLASS, 1 },
	{ AF_INET6, SOCK_STREAM, 0, SOL_IP, IP_TOS, 0x10 },
	{ AF_NETLINK, SOCK_RAW, 0, SOL_NETLINK, NETLINK_EXT_ACK, 1 },
	{ AF_PACKET, SOCK_RAW, 0, SOL_PACKET, PACKET_QDISC_BYPASS, 1 },
	{ AF_UNIX, SOCK_DGRAM, 0, SOL_SOCKET, SO_TIMESTAMP, 1 },
};
#define NR (sizeof(rows) / sizeof(*rows))

static int member(const char *group, int port, const char *source)
{
	union tcp_addr addr;
	int on = 1;
	socklen_t len = tcp_addr(&addr, group, port);
	int level = addr.any.sa_family == AF_INET6 ? SOL_IPV6 : SOL_IP;
	int fd = socket(addr.any.sa_family, SOCK_DGRAM, 0);
	live_must(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	live_must(bind(fd, &addr.any, len) == 0);
	struct group_source_req req = { .gsr_interface = if_nametoindex("lo") };
	memcpy(&req.gsr_group, &addr, sizeof(addr));
	if (source) {
		tcp_addr(&addr, source, 0);
		memcpy(&req.gsr_source, &addr, sizeof(addr));
		live_must(setsockopt(fd, level, MCAST_JOIN_SOURCE_GROUP, &req, sizeof(req)) == 0);
	} else {
		struct group_req plain = { req.gsr_interface, req.gsr_group };
		live_must(setsockopt(fd, level, MCAST_JOIN_GROUP, &plain, sizeof(plain)) == 0);
	}
	return fd;
}

static void say(const char *from, const char *group, int port, const char *text)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, from, 0);
	int fd = socket(addr.any.sa_family, SOCK_DGRAM, 0);
	live_check(bind(fd, &addr.any, len) == 0, "bind: %s", strerror(errno));
	setsockopt(fd, SOL_IP, IP_MULTICAST_IF, &addr.v4.sin_addr, sizeof(struct in_addr));
	len = tcp_addr(&addr, group, port);
	live_check(sendto(fd, text, strlen(text), 0, &addr.any, len) == (ssize_t)strlen(text),
		   "send to %s: %s", group, strerror(errno));
	close(fd);
}

int main(void)
{
	int fds[NR];
	for (size_t i = 0; i < NR; i++) {
		fds[i] = socket(rows[i].family, rows[i].type, rows[i].protocol);
		live_must(fds[i] >= 0);
		live_must(setsockopt(fds[i], rows[i].level, rows[i].option, &rows[i].value,
				     sizeof(int)) == 0);
	}
	int slow = socket(AF_INET, SOCK_STREAM, 0);
	live_must(setsockopt(slow, SOL_TCP, TCP_CONGESTION, "reno", 4) == 0);
	int any = member("224.9.9.9", 7700, NULL), some = member("232.1.1.1", 7701, "127.0.0.5");
	int six = member("ff05::77", 7702, NULL);

	live_ready();

	for (size_t i = 0; i < NR; i++) {
		int value = -1;
		socklen_t len = sizeof(value);
		live_check(getsockopt(fds[i], rows[i].level, rows[i].option, &value, &len) == 0 &&
			       value == rows[i].value,
			   "option %d of level %d is %d, want %d", rows[i].option, rows[i].level,
			   value, rows[i].value);
	}
	char name[16] = "";
	socklen_t len = sizeof(name);
	live_check(getsockopt(slow, SOL_TCP, TCP_CONGESTION, name, &len) == 0 &&
		       !strcmp(name, "reno"),
		   "congestion control %s", name);
	say("127.0.0.4", "224.9.9.9", 7700, "to all");
	tcp_expect(any, "to all", "IPv4 group");
	say("127.0.0.4", "232.1.1.1", 7701, "no");
	say("127.0.0.5", "232.1.1.1", 7701, "yes");
	tcp_expect(some, "yes", "group of one source");
	struct group_req leave = { if_nametoindex("lo"), { 0 } };
	union tcp_addr addr;
	tcp_addr(&addr, "ff05::77", 0);
	memcpy(&leave.gr_group, &addr, sizeof(addr));
	live_check(setsockopt(six, SOL_IPV6, MCAST_LEAVE_GROUP, &leave, sizeof(leave)) == 0,
		   "leave the IPv6 group: %s", strerror(errno));
	live_pass();
}
