/* SPDX-License-Identifier: MIT
 * A network namespace that only a socket leads to, with a queueing discipline with classes: who
 * has the socket is named.
 * live-unshare: --net
 * live-refuse: fd 4: its network namespace: network device v1 has the queueing discipline htb
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tests/live/live.h"

int main(void)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	live_must(own == 3 && unshare(CLONE_NEWNET) == 0);
	live_must(system("ip link add v1 type veth peer name v2 && tc qdisc add dev v1 root htb") ==
		  0);
	live_must(socket(AF_INET, SOCK_DGRAM, 0) == 4);
	live_must(setns(own, CLONE_NEWNET) == 0 && close(own) == 0);
	live_ready();
	live_pass();
}
