/* SPDX-License-Identifier: MIT
 * Between dump and restore, a network namespace gets other addresses, ports and users: rules of
 * nftables and of iptables over it have the new ones then, what they counted and sets among them;
 * and so do neighbours, next hops, tunnels and endpoints of MPTCP.
 *
 * live-unshare: --pid --net
 * live-modes: SS
 * live-between: set -e; crit remap --in-place --ip 10.5.0.0/24=10.6.0.0/24 --port 80=8080 .
 * live-between: crit remap --in-place --uid 1000=2000 .
 */
#include <stdlib.h>

#include "tests/live/live.h"

static const char setup[] =
    "set -e; ip link set lo up; ip addr add 10.5.0.2/24 dev lo;"
    "nft 'table inet f {"
    " set s { type ipv4_addr; timeout 1h; elements = { 10.5.0.9 }; };"
    " chain in { type filter hook input priority 0;"
    " ip saddr 10.5.0.3 tcp dport 80 counter packets 7 bytes 700 accept; };"
    " chain out { type filter hook output priority 0; meta skuid 1000 accept; }; }';"
    "ip link add d0 type veth peer name d1; ip link set d1 up; ip addr add 10.5.0.11/24 dev d0; ip "
    "link set d0 up;"
    "ip neigh add 10.5.0.8 lladdr 02:00:00:00:00:08 dev d0 nud permanent;"
    "ip nexthop add id 7 via 10.5.0.12 dev d0; ip route add 192.0.2.0/24 nhid 7;"
    "ip link add x0 type vxlan id 9 local 10.5.0.11 remote 10.5.0.12 dstport 4789 dev d0 || :;"
    "ip mptcp endpoint add 10.5.0.11 dev d0 signal || :;"
    "if command -v iptables-nft >/dev/null; then"
    " iptables-nft -A INPUT -s 10.5.0.4 -p tcp --dport 80 -j ACCEPT; fi;"
    "if iptables-legacy -S; then iptables-legacy -A INPUT -s 10.5.0.5 -p tcp --sport 81 -j ACCEPT; "
    "fi >/dev/null 2>&1";

static const char *const rules[] = {
	"nft list table inet f | grep -q 'elements = { 10.6.0.9 '",
	"nft list table inet f | "
	"grep -q 'ip saddr 10.6.0.3 tcp dport 8080 counter packets 7 bytes 700 accept'",
	"nft list table inet f | grep -q 'skuid 2000 accept'",
	"! command -v iptables-nft || iptables-nft-save | "
	"grep -e '-s 10.6.0.4/32 -p tcp -m tcp --dport 8080 -j ACCEPT'",
	"ip neigh show dev d0 | grep -q '^10.6.0.8 lladdr 02:00:00:00:00:08 PERMANENT'",
	"ip nexthop | grep -q '^id 7 via 10.6.0.12 dev d0'",
	"ip route | grep -q '^192.0.2.0/24 nhid 7 via 10.6.0.12'",
	"! ip link show x0 || ip -d link show x0 | grep -q 'remote 10.6.0.12 local 10.6.0.11'",
	"! ip mptcp endpoint | grep -v '^10.6.0.11 '",
	"! iptables-legacy -S || iptables-legacy-save | "
	"grep -e '-s 10.6.0.5/32 -p tcp -m tcp --sport 81 -j ACCEPT'",
	"! nft list ruleset | grep -q '10\\.5\\.'",
};

int main(void)
{
	live_must(system(setup) == 0);

	live_ready();

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		live_check(system(rules[i]) == 0, "not so: %s", rules[i]);
	live_pass();
}
