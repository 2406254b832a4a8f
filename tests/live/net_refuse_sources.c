/* SPDX-License-Identifier: MIT
 * A multicast group with more sources than are supported: whose it is, and what helps.
 *
 * live-refuse: fd 3: it is in a multicast group with 513 sources
 * live-net: ip route add 224.0.0.0/4 dev lo && sysctl -qw net.ipv4.igmp_max_msf=1000
 */
#include <net/if.h>

#include "tests/live/tcp.h"

#define SOURCES 513

int main(void)
{
	union tcp_addr addr;
	struct group_source_req req = { .gsr_interface = if_nametoindex("lo") };
	int fd = dup2(socket(AF_INET, SOCK_DGRAM, 0), 3);
	live_must(fd == 3);
	tcp_addr(&addr, "232.1.1.1", 0);
	memcpy(&req.gsr_group, &addr, sizeof(addr));
	for (unsigned i = 0; i < SOURCES; i++) {
		tcp_addr(&addr, "10.9.0.0", 0);
		addr.v4.sin_addr.s_addr |= htonl(i);
		memcpy(&req.gsr_source, &addr, sizeof(addr));
		live_must(setsockopt(fd, SOL_IP, MCAST_JOIN_SOURCE_GROUP, &req, sizeof(req)) == 0);
	}
	live_ready();
	live_pass();
}
