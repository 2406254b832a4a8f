/* SPDX-License-Identifier: MIT
 * Datagrams wait at one address and port in two network namespaces of one task.
 *
 * live-unshare: --pid --net
 */
#include <sched.h>
#include <stdlib.h>

#include "tests/live/tcp.h"
#include "tests/live/words.h"

static int inbox(const char *text)
{
	union tcp_addr addr;
	live_must(unshare(CLONE_NEWNET) == 0 && system("ip link set lo up") == 0);
	socklen_t len = tcp_addr(&addr, "127.0.0.1", 7003);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);
	live_must(fd >= 0 && bind(fd, &addr.any, len) == 0);
	live_must(sendto(from, text, strlen(text), 0, &addr.any, len) == (ssize_t)strlen(text));
	close(from);
	return fd;
}

int main(void)
{
	int one = inbox("one"), other = inbox("other");
	live_ready();
	words_hear(one, "one");
	words_hear(other, "other");
	live_pass();
}
