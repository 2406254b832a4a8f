/* SPDX-License-Identifier: MIT
 * A network namespace: its devices, addresses, routes, rules, packet filters and settings are what
 * they were.
 *
 * live-unshare: --pid --net
 * live-modes: SS RR 2S
 */
#include <stdlib.h>

#include "tests/live/live.h"

static const char setup[] =
    "set -e; ip link set lo up; ip link add v1 type veth peer name v2; ip link set v1 up;"
    "ip link set v2 up; ip addr add 192.0.2.1/24 dev v1; ip addr add 192.0.2.2/24 dev v2;"
    "ip addr add 2001:db8::1/64 dev v1 nodad; ip route add 198.51.100.0/24 via 192.0.2.77;"
    "ip -6 route add 2001:db8:5::/48 via 2001:db8::9; ip route add default dev v1 table 55;"
    "ip rule add from 192.0.2.1 lookup 55; sysctl -qw net.ipv4.ip_forward=1 "
    "net.ipv4.conf.v1.arp_ignore=1 net.core.somaxconn=321;"
    "iptables-nft -A INPUT -s 198.51.100.7 -m comment --comment 'of mine' -j DROP;"
    "nft 'table inet t { chain c { type filter hook output priority 3; tcp dport 9 drop; }; }';"
    "iptables-legacy -A OUTPUT -d 198.51.100.8 -c 3 4 -j REJECT;"
    "while ip -6 addr | grep -q tentative; do sleep 0.1; done";
static const char show[] =
    "(ip -d link; ip addr; ip route show table all | sort; ip -6 route show table all | sort;"
    "ip rule; iptables-nft-save | grep -v '^# [CG]'; nft list ruleset; iptables-legacy-save -c | "
    "grep -v '^# [CG]'; sysctl net.ipv4.ip_forward net.ipv4.conf.v1.arp_ignore net.core.somaxconn) "
    ">";

static void run(const char *script, const char *file)
{
	char command[2048];
	snprintf(command, sizeof(command), "%s %s", script, file ? live_path(file) : "");
	live_check(system(command) == 0, "failed: %s", command);
}

int main(void)
{
	run(setup, NULL);
	run(show, "before");

	live_ready();

	run(show, "after");
	run("cd $LIVE_DIR && diff -U0 before after >&2", NULL);
	run("! nft list ruleset | grep -iE 'criu|stasis' >&2", NULL);
	live_pass();
}
