/* SPDX-License-Identifier: MIT
 * A NUMA policy for nodes that are not there: the program runs on without it.
 * live-modes: SS
 * live-between: crit edit --in-place . "core-$pid.img: entries[0].thread_core.numa.nodes=AAE="
 * live-skip: [ -e /sys/devices/system/node/node0 ] && [ ! -e /sys/devices/system/node/node8 ]
 */
#include <linux/mempolicy.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

int main(void)
{
	unsigned long node = 1;
	int mode = -1;
	live_must(syscall(SYS_set_mempolicy, MPOL_BIND, &node, 64ul) == 0);

	live_ready();

	live_must(syscall(SYS_get_mempolicy, &mode, NULL, 0ul, NULL, 0ul) == 0);
	live_check(mode == MPOL_DEFAULT, "mode is %d", mode);
	live_pass();
}
