/* SPDX-License-Identifier: MIT
 * A network namespace whose packet filter lets nothing in: what sockets have in their queues, and
 * the ends of connections, come back all the same.
 *
 * live-unshare: --pid --net
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 */
#include <stdlib.h>

#include "tests/live/tcp.h"

static const char setup[] = "nft 'table inet fw { chain in { type filter hook input priority 0; "
			    "policy drop; }; chain out { type filter hook output priority -200; "
			    "ip daddr 192.0.2.0/24 drop; }; }'";

int main(void)
{
	char text[16] = "";
	union tcp_addr addr;
	live_must(system("ip link set lo up; ip addr add 192.0.2.1/24 dev lo") == 0);
	int listener = tcp_listen("192.0.2.1", 7001), fd = tcp_connect("192.0.2.1", 7001);
	int other = accept(listener, NULL, NULL), udp = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = tcp_addr(&addr, "192.0.2.1", 7002);
	live_must(other >= 0 && udp >= 0 && bind(udp, &addr.any, len) == 0);
	live_must(sendto(udp, "datagram", 8, 0, &addr.any, len) == 8);
	tcp_put(other, "last", "connection");
	live_must(shutdown(other, SHUT_WR) == 0);
	tcp_readable(fd, "connection");
	live_must(system(setup) == 0);

	live_ready();

	tcp_expect(fd, "last", "connection");
	tcp_readable(fd, "end");
	live_check(recv(fd, text, sizeof(text), MSG_DONTWAIT) == 0, "it does not end: %s",
		   strerror(errno));
	live_check(recv(udp, text, sizeof(text), MSG_DONTWAIT) == 8 && !strcmp(text, "datagram"),
		   "the datagram is lost: %s", strerror(errno));
	sendto(udp, "more", 4, 0, &addr.any, len);
	live_check(recv(udp, text, sizeof(text), MSG_DONTWAIT) < 0, "the filter is gone");
	live_check(system("nft list table inet fw | grep -q 'policy drop'") == 0, "no filter");
	live_pass();
}
