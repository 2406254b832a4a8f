/* SPDX-License-Identifier: MIT
 * A set of addresses.
 * live-unshare: --net
 * live-skip: [ -d /sys/module/ip_set ] || modprobe ip_set_hash_ip
 * live-refuse: it has a set of addresses (ipset), mine: not supported; remove it before the dump
 */
#include <arpa/inet.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tests/live/live.h"

int main(void)
{
	struct {
		struct nlmsghdr head;
		struct nfgenmsg family;
		struct nlattr protocol;
		uint8_t number[4];
		struct nlattr name;
		char name_text[8];
		struct nlattr type;
		char type_text[8];
		struct nlattr revision;
		uint8_t revision_number[4];
		struct nlattr kind;
		uint8_t kind_number[4];
		struct nlattr data;
	} ask = {
		{ sizeof(ask), NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_CREATE,
		  NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 1, 0 },
		{ AF_INET, NFNETLINK_V0, 0 },
		{ 5, IPSET_ATTR_PROTOCOL },
		{ IPSET_PROTOCOL_MIN },
		{ 9, IPSET_ATTR_SETNAME },
		"mine",
		{ 12, IPSET_ATTR_TYPENAME },
		"hash:ip",
		{ 5, IPSET_ATTR_REVISION },
		{ 0 },
		{ 5, IPSET_ATTR_FAMILY },
		{ NFPROTO_IPV4 },
		{ 4, IPSET_ATTR_DATA | NLA_F_NESTED },
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char more[256];
	} answer = { 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	live_must(fd >= 0 && send(fd, &ask, sizeof(ask), 0) == sizeof(ask));
	live_must(recv(fd, &answer, sizeof(answer), 0) > 0);
	close(fd);
	live_check(answer.head.nlmsg_type == NLMSG_ERROR && answer.err.error == 0, "create: %d",
		   answer.err.error);
	live_ready();
	live_pass();
}
