/* SPDX-License-Identifier: MIT
 * Connections whose addresses the packet filter of a network namespace changes, in both directions,
 * go on: they are tracked as before.
 *
 * live-unshare: --pid --net
 * live-modes: SS RR 2S CS
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 */
#include <stdlib.h>

#include "tests/live/tcp.h"

static const char setup[] =
    "set -e; ip link set lo up; ip addr add 192.0.2.1/24 dev lo; ip route add 198.51.100.0/24 dev "
    "lo;"
    "nft 'table ip n {"
    " chain o { type nat hook output priority -100; ip daddr 198.51.100.9 tcp dport 80 dnat to "
    "127.0.0.1:7001; };"
    " chain p { type nat hook postrouting priority 100; tcp dport 7002 snat to 192.0.2.1; };"
    " chain i { type filter hook input priority 0; policy drop; ct state established accept;"
    "  tcp dport { 7001, 7002 } ct state new accept; }; }'";

static void talk(int a, int b, const char *what)
{
	tcp_put(a, "there", what);
	tcp_expect(b, "there", what);
	tcp_put(b, "and back", what);
	tcp_expect(a, "and back", what);
}

int main(void)
{
	union tcp_addr from;
	socklen_t len = sizeof(from);
	live_must(system(setup) == 0);
	int one = tcp_listen("127.0.0.1", 7001), two = tcp_listen("127.0.0.1", 7002);
	int a = tcp_connect("198.51.100.9", 80), b = accept(one, NULL, NULL);
	int c = tcp_connect("127.0.0.1", 7002), d = accept(two, &from.any, &len);
	live_must(b >= 0 && d >= 0);
	live_check(from.v4.sin_addr.s_addr == htonl(0xc0000201), "its source is not changed");
	talk(a, b, "destination");
	talk(c, d, "source");

	live_ready();

	talk(a, b, "destination");
	talk(c, d, "source");
	live_pass();
}
