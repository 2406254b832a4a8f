/* SPDX-License-Identifier: MIT
 * A socket of a network namespace in which somebody else is.
 * live-net: true
 * live-unshare: --net
 * live-refuse: which no task of the tree is in
 */
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tests/live/live.h"

int main(void)
{
	char path[64];
	int home = open("/proc/self/ns/net", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%s/ns/net", getenv("LIVE_OUTSIDE"));
	int outside = open(path, O_RDONLY);
	live_must(home >= 0 && outside >= 0 && setns(outside, CLONE_NEWNET) == 0);
	live_must(socket(AF_INET, SOCK_DGRAM, 0) >= 0 && setns(home, CLONE_NEWNET) == 0);
	close(home);
	close(outside);
	live_ready();
	live_pass();
}
