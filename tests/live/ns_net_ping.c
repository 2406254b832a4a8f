/* SPDX-License-Identifier: MIT
 * Sockets of ping(8), which only some groups may make, in a network namespace of a user namespace:
 * they go on, and the groups are the same inside.
 *
 * live-user: mapped
 * live-unshare: --pid --net
 * live-skip: unshare --user true
 */
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tests/live/live.h"

static const char range[] = "/proc/sys/net/ipv4/ping_group_range";

static void ping(int fd, const char *when)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct icmphdr head = { .type = ICMP_ECHO };
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	live_check(sendto(fd, &head, sizeof(head), 0, (void *)&to, sizeof(to)) == sizeof(head),
		   "%s: send: %s", when, strerror(errno));
	live_check(poll(&wait, 1, 10000) == 1, "%s: no answer", when);
	live_check(recv(fd, &head, sizeof(head), 0) == sizeof(head) && head.type == ICMP_ECHOREPLY,
		   "%s: no answer", when);
}

static void check_range(void)
{
	char text[64] = "";
	unsigned first = 0, last = 0;
	int fd = open(range, O_RDONLY);
	live_must(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && close(fd) == 0);
	live_check(sscanf(text, "%u %u", &first, &last) == 2 && first == 30 && last == 40,
		   "the groups are %s", text);
}

int main(void)
{
	int fd = open(range, O_WRONLY);
	live_must(system("ip link set lo up") == 0);
	live_must(fd >= 0 && write(fd, "30 40", 5) == 5 && close(fd) == 0);
	live_must(setegid(35) == 0);
	int sk = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	live_must(sk >= 0 && setegid(0) == 0);
	ping(sk, "before");
	check_range();

	live_ready();

	ping(sk, "after");
	check_range();
	live_must(setegid(35) == 0);
	live_check(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) >= 0, "make another one: %s",
		   strerror(errno));
	live_pass();
}
