/* SPDX-License-Identifier: MIT
 * Netlink sockets: bound to a port and groups (also above 32), connected, not bound at all; they
 * answer questions afterwards.
 *
 * live-modes: SS RR 2S
 * live-net: true
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tests/live/live.h"

static struct sockaddr_nl name_of(int fd)
{
	struct sockaddr_nl addr = { 0 };
	socklen_t len = sizeof(addr);
	live_check(getsockname(fd, (struct sockaddr *)&addr, &len) == 0, "getsockname: %s",
		   strerror(errno));
	return addr;
}

static bool is_member(int fd, unsigned int group)
{
	uint32_t words[8] = { 0 };
	socklen_t len = sizeof(words);
	live_check(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, words, &len) == 0,
		   "NETLINK_LIST_MEMBERSHIPS: %s", strerror(errno));
	return words[(group - 1) / 32] >> (group - 1) % 32 & 1;
}

/* The kernel answers with the loopback device. */
static void ask(int fd)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} q = { .header = { .nlmsg_len = sizeof(q),
			    .nlmsg_type = RTM_GETLINK,
			    .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_index = 1 } };
	char buf[8192];
	live_check(send(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q), "ask: %s", strerror(errno));
	ssize_t n = recv(fd, buf, sizeof(buf), 0);
	live_check(n > (ssize_t)sizeof(struct nlmsghdr) &&
		       ((struct nlmsghdr *)buf)->nlmsg_type == RTM_NEWLINK,
		   "answer of %zd bytes", n);
}

int main(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK,
				    .nl_pid = 4242,
				    .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE };
	const int high = RTNLGRP_NEXTHOP + 3, plain = RTNLGRP_NOTIFY;
	int bound = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
	live_must(bound >= 0 && bind(bound, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	int many = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	live_must(setsockopt(many, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &high, sizeof(high)) == 0);
	live_must(setsockopt(many, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &plain, sizeof(plain)) ==
		  0);
	int idle = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
	live_must(idle >= 0);

	live_ready();

	live_check(name_of(bound).nl_pid == 4242, "port %u", name_of(bound).nl_pid);
	live_check(name_of(bound).nl_groups == addr.nl_groups, "groups %#x",
		   name_of(bound).nl_groups);
	live_check(fcntl(bound, F_GETFL) & O_NONBLOCK, "it blocks now");
	live_check(is_member(many, (unsigned int)high) && is_member(many, (unsigned int)plain) &&
		       !is_member(many, RTNLGRP_LINK),
		   "memberships differ");
	live_must(fcntl(bound, F_SETFL, 0) == 0);
	ask(bound);
	ask(idle);
	live_pass();
}
