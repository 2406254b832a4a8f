/* SPDX-License-Identifier: MIT
 * What `ip` and `bridge` tell of a bridge and its port, of a resilient group of next hops, and of
 * addresses of IPv6, whose order decides which one is sent from.
 *
 * live-unshare: --pid --net
 * live-modes: SS RR 2S
 * live-skip: command -v bridge
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/live/live.h"

static const char *const commands[] = {
	"ip -d link show br0 | grep -o 'no_linklocal_learn [01]'",
	"ip -d link show br0 | grep -o 'group_address [^ ]*'",
	"ip -d link show v1 | grep -o ' cost [0-9]* '",
	"ip nexthop show id 12 | sed 's/ unbalanced_time .*//'",
	"ip -o address show dev v2 | sed 's/valid_lft.*//'",
	"ip -6 route get 2001:db8::1 | grep -o 'src [^ ]*'",
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void ask(const char *command, char *out, size_t size)
{
	FILE *f = popen(command, "r");
	live_must(f != NULL);
	out[fread(out, 1, size - 1, f)] = 0;
	live_must(pclose(f) == 0);
	live_check(out[0], "%s: nothing", command);
}

static char before[COMMANDS][4096], now[4096];

int main(void)
{
	live_must(
	    system("ip link set lo up && "
		   "ip link add br0 type bridge no_linklocal_learn 1 && "
		   "ip link set br0 type bridge group_address 01:80:c2:00:00:0e && "
		   "ip link add v1 type veth peer name v2 && ip link set v1 master br0 && "
		   "bridge link set dev v1 cost 77 && ip link set br0 up && "
		   "ip link set v1 up && ip link set v2 up && "
		   "ip address add 10.1.0.1/24 dev v2 && ip address add 10.1.0.2/24 dev v2 && "
		   "ip address add 10.1.0.3/24 dev v2 && "
		   "ip -6 address add fd00:1::1/64 dev v2 nodad && "
		   "ip -6 address add fd00:1::2/64 dev v2 nodad && "
		   "ip -6 address add fd00:1::3/64 dev v2 nodad && "
		   "ip -6 route add 2001:db8::/32 via fd00:1::99 && "
		   "ip nexthop add id 5 via 10.1.0.77 dev v2 && "
		   "ip nexthop add id 6 via 10.1.0.78 dev v2 && "
		   "ip nexthop add id 12 group 5/6 type resilient buckets 32 idle_timer 60 "
		   "unbalanced_timer 300") == 0);
	for (size_t i = 0; i < COMMANDS; i++)
		ask(commands[i], before[i], sizeof(before[i]));

	live_ready();

	for (size_t i = 0; i < COMMANDS; i++) {
		ask(commands[i], now, sizeof(now));
		live_check(!strcmp(now, before[i]), "%s: %s, was: %s", commands[i], now, before[i]);
	}
	live_pass();
}
