/* SPDX-License-Identifier: MIT
 * Options that the format has no fields for: of IPv4, IPv6, TCP, UDP, netlink, packet and unix
 * sockets; multicast groups with and without sources, which still get what is sent to them.
 *
 * live-modes: SS RR 2S
 * live-net: ip route add 224.0.0.0/4 dev lo
 */
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <stdbool.h>

#include "tests/live/tcp.h"

static const struct {
	int family, type, protocol, level, option, value;
} rows[] = {
	{ AF_INET, SOCK_STREAM, 0, SOL_TCP, TCP_USER_TIMEOUT, 12345 },
	{ AF_INET, SOCK_STREAM, 0, SOL_TCP, TCP_SYNCNT, 3 },
	{ AF_INET, SOCK_STREAM, 0, SOL_TCP, TCP_NOTSENT_LOWAT, 8192 },
	{ AF_INET, SOCK_STREAM, 0, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO },
	{ AF_INET, SOCK_STREAM, 0, SOL_IP, IP_TRANSPARENT, 1 },
	{ AF_INET, SOCK_STREAM, 0, SOL_TCP, TCP_MAXSEG, 1000 },
	{ AF_INET, SOCK_STREAM, 0, SOL_TCP, TCP_WINDOW_CLAMP, 30000 },
	{ AF_INET, SOCK_STREAM, 0, SOL_TCP, 44, 5000 },  /* TCP_RTO_MAX_MS */
	{ AF_INET, SOCK_STREAM, 0, SOL_TCP, 46, 48000 }, /* TCP_DELACK_MAX_US */
	{ AF_INET, SOCK_STREAM, 0, SOL_SOCKET, 74, 0 },  /* SO_TXREHASH */
	{ AF_INET, SOCK_DGRAM, 0, SOL_SOCKET, 75, 1 },   /* SO_RCVMARK */
	{ AF_INET, SOCK_DGRAM, 0, SOL_SOCKET, SO_LOCK_FILTER, 1 },
	{ AF_INET, SOCK_DGRAM, 0, SOL_SOCKET, SO_TXTIME, 1 }, /* its clock */
	{ AF_INET, SOCK_DGRAM, 0, SOL_IP, IP_PASSSEC, 1 },
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
	{ AF_INET6, SOCK_DGRAM, 0, SOL_IPV6, IPV6_2292HOPLIMIT, 1 },
	{ AF_INET6, SOCK_DGRAM, 0, SOL_IPV6, IPV6_FLOWINFO_SEND, 1 },
	{ AF_INET6, SOCK_DGRAM, 0, SOL_IPV6, IPV6_RECVHOPOPTS, 1 },
	{ AF_INET6, SOCK_DGRAM, 0, SOL_IPV6, IPV6_RECVDSTOPTS, 1 },
	{ AF_INET6, SOCK_RAW, 89, SOL_IPV6, IPV6_CHECKSUM, 12 },
	{ AF_INET6, SOCK_RAW, 89, SOL_IPV6, IPV6_ROUTER_ALERT_ISOLATE, 1 },
	{ AF_INET6, SOCK_STREAM, 0, SOL_IP, IP_TOS, 0x10 },
	{ AF_NETLINK, SOCK_RAW, 0, SOL_NETLINK, NETLINK_EXT_ACK, 1 },
	{ AF_PACKET, SOCK_RAW, 0, SOL_PACKET, PACKET_QDISC_BYPASS, 1 },
	{ AF_PACKET, SOCK_RAW, 0, SOL_PACKET, PACKET_TX_HAS_OFF, 1 },
	{ AF_UNIX, SOCK_DGRAM, 0, SOL_SOCKET, SO_TIMESTAMP, 1 },
	{ AF_UNIX, SOCK_DGRAM, 0, SOL_SOCKET, 83, 0 }, /* SO_PASSRIGHTS */
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

/* A number, and a second one that stays 0 where the option is of two. */
static bool set_row(size_t i, int fd)
{
	int value[2] = { rows[i].value, 0 };
	socklen_t len = rows[i].option == SO_TXTIME && rows[i].level == SOL_SOCKET ? 8 : 4;
	return setsockopt(fd, rows[i].level, rows[i].option, value, len) == 0;
}

static const unsigned char bytes4[] = { 7, 7, 4, 0, 0, 0, 0, 0 };  /* record route */
static const unsigned char bytes6[] = { 59, 0, 1, 4, 0, 0, 0, 0 }; /* padding */

static void check_bytes(int fd, int level, int option, const unsigned char *want)
{
	unsigned char got[64] = "";
	socklen_t len = sizeof(got);
	live_check(getsockopt(fd, level, option, got, &len) == 0 && len == 8 &&
		       !memcmp(got, want, 8),
		   "option %d of level %d: %u bytes", option, level, len);
}

static int locked(void)
{
	struct sock_filter code = { BPF_RET | BPF_K, 0, 0, 0xffff };
	struct sock_fprog filter = { 1, &code };
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM, 0);
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, "127.0.0.1", 7710);
	live_must(fd >= 0 && bind(fd, &addr.any, len) == 0);
	live_must(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0);
	live_must(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) == 0);
	return fd;
}

int main(void)
{
	int fds[NR];
	for (size_t i = 0; i < NR; i++) {
		fds[i] = socket(rows[i].family, rows[i].type, rows[i].protocol);
		live_must(fds[i] >= 0);
		bool new_kernel =
		    !set_row(i, fds[i]) && (errno == ENOPROTOOPT || errno == EOPNOTSUPP);
		if (new_kernel) {
			close(fds[i]);
			fds[i] = -1;
		} else {
			live_must(set_row(i, fds[i]));
		}
	}
	int route = socket(AF_INET, SOCK_DGRAM, 0), pad = socket(AF_INET6, SOCK_DGRAM, 0);
	live_must(setsockopt(route, SOL_IP, IP_OPTIONS, bytes4, 8) == 0);
	live_must(setsockopt(pad, SOL_IPV6, IPV6_DSTOPTS, bytes6, 8) == 0);
	live_must(setsockopt(pad, SOL_IPV6, IPV6_HOPOPTS, bytes6, 8) == 0);
	int filtered = locked();
	int slow = socket(AF_INET, SOCK_STREAM, 0);
	live_must(setsockopt(slow, SOL_TCP, TCP_CONGESTION, "reno", 4) == 0);
	int any = member("224.9.9.9", 7700, NULL), some = member("232.1.1.1", 7701, "127.0.0.5");
	int six = member("ff05::77", 7702, NULL);

	live_ready();

	check_bytes(route, SOL_IP, IP_OPTIONS, bytes4);
	check_bytes(pad, SOL_IPV6, IPV6_DSTOPTS, bytes6);
	check_bytes(pad, SOL_IPV6, IPV6_HOPOPTS, bytes6);
	socklen_t nr_code = 0;
	live_check(getsockopt(filtered, SOL_SOCKET, SO_GET_FILTER, NULL, &nr_code) == 0 &&
		       nr_code == 1 &&
		       setsockopt(filtered, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, 4) < 0,
		   "the locked filter: %u instructions", nr_code);
	for (size_t i = 0; i < NR; i++) {
		int value = -1;
		if (fds[i] < 0)
			continue; /* newer than the kernel */
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
