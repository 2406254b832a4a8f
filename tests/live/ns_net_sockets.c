/* SPDX-License-Identifier: MIT
 * Sockets in a network namespace of the tree's own go on, and others can be made: nothing of it
 * stays locked.
 *
 * live-unshare: --pid --net
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 */
#include <stdlib.h>

#include "tests/live/tcp.h"

static const char setup[] =
    "set -e; ip link set lo up; ip link add v1 type veth peer name v2; ip link set v1 up;"
    "ip link set v2 up; ip addr add 192.0.2.1/24 dev v1; ip addr add 192.0.2.2/24 dev v2;"
    "ip addr add 2001:db8::1/64 dev v1 nodad;"
    "until ip -6 route get 2001:db8::1 | grep -q '^local'; do sleep 0.1; done";

static int udp(const char *address, int port)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, address, port);
	int fd = socket(addr.any.sa_family, SOCK_DGRAM, 0);
	live_must(fd >= 0 && bind(fd, &addr.any, len) == 0);
	return fd;
}

/* A connection made after the restore, to who listened before. */
static void check_listener(int listener, const char *address, int port)
{
	int fd = tcp_connect(address, port);
	int other = accept(listener, NULL, NULL);
	live_must(other >= 0);
	tcp_put(fd, "new", "new connection");
	tcp_expect(other, "new", "new connection");
	close(fd);
	close(other);
}

int main(void)
{
	char byte;
	union tcp_addr addr;
	live_must(system(setup) == 0);
	int listen4 = tcp_listen("192.0.2.1", 7001), listen6 = tcp_listen("2001:db8::1", 7002);
	int a4 = tcp_connect("192.0.2.1", 7001), b4 = accept(listen4, NULL, NULL);
	int a6 = tcp_connect("2001:db8::1", 7002), b6 = accept(listen6, NULL, NULL);
	int u = udp("192.0.2.2", 7003);
	tcp_put(a4, "early", "IPv4");
	tcp_put(b6, "bird", "IPv6");

	live_ready();

	tcp_expect(b4, "early", "IPv4");
	tcp_expect(a6, "bird", "IPv6");
	tcp_put(b4, "answer", "IPv4");
	tcp_put(a6, "answer", "IPv6");
	tcp_expect(a4, "answer", "IPv4");
	tcp_expect(b6, "answer", "IPv6");
	socklen_t len = tcp_addr(&addr, "192.0.2.2", 7003);
	live_check(sendto(u, "y", 1, 0, &addr.any, len) == 1, "send: %s", strerror(errno));
	live_check(recv(u, &byte, 1, 0) == 1 && byte == 'y', "no datagram");
	check_listener(listen4, "192.0.2.1", 7001);
	check_listener(listen6, "2001:db8::1", 7002);
	live_check(system("! nft list ruleset | grep . >&2") == 0, "rules are left");
	live_pass();
}
