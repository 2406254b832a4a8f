/* SPDX-License-Identifier: MIT
 * A socket of a family nobody restores is refused by name, and goes on working.
 * live-refuse: is a netlink
 */
#include <linux/netlink.h>
#include <sys/socket.h>

#include "tests/live/live.h"

int main(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	live_must(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	live_ready();
	live_check(getsockname(fd, (struct sockaddr *)&addr, &(socklen_t){ sizeof(addr) }) == 0,
		   "the socket is gone: %s", strerror(errno));
	live_pass();
}
