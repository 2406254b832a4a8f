/* SPDX-License-Identifier: MIT
 * MPTCP, which the kernel cannot restore, is refused with the way out.
 * live-refuse: is an MPTCP socket
 * live-skip: test "$(cat /proc/sys/net/mptcp/enabled)" = 1
 */
#include "tests/live/tcp.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

int main(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	live_must(fd >= 0 && listen(fd, 1) == 0);
	live_ready();
	live_check(listen(fd, 2) == 0, "the socket is gone: %s", strerror(errno));
	live_pass();
}
