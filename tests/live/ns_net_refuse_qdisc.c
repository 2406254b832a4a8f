/* SPDX-License-Identifier: MIT
 * A queueing discipline with classes.
 * live-unshare: --net
 * live-refuse: network device v1 has the queueing discipline htb
 */
#include <stdlib.h>

#include "tests/live/live.h"

int main(void)
{
	live_must(system("ip link add v1 type veth peer name v2 && tc qdisc add dev v1 root htb") ==
		  0);
	live_ready();
	live_pass();
}
