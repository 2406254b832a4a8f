/* SPDX-License-Identifier: MIT
 * Listening TCP sockets: a port shared by SO_REUSEPORT, IPv6 only beside IPv4, bound to a device,
 * to an address of one link, to one that is not there (IP_FREEBIND); bound and unbound ones that do
 * not listen; a filter. CRIU does not restore an IPv4 address that is not there.
 *
 * live-modes: SS CS RR 2S
 * live-net: ip link add v0 up type veth peer name v1; ip addr add fe80::77/64 dev v0 nodad
 */
#include <linux/filter.h>
#include <net/if.h>

#include "tests/live/tcp.h"

#define PORT 7300

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);
	live_must(getsockopt(fd, level, name, &value, &len) == 0);
	return value;
}

static int prepare(int family, int level, int name, const void *value, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM, 0);
	live_must(fd >= 0);
	live_must(setsockopt(fd, level, name, value, len) == 0);
	return fd;
}

static void bind_to(int fd, const char *address, int port, const char *link)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, address, port);
	if (link)
		addr.v6.sin6_scope_id = if_nametoindex(link);
	live_must(bind(fd, &addr.any, len) == 0);
}

static void check_name(int fd, const char *address, int port)
{
	union tcp_addr want, got;
	socklen_t len = tcp_addr(&want, address, port), got_len = sizeof(got);
	live_check(getsockname(fd, &got.any, &got_len) == 0 && got_len == len, "getsockname: %s",
		   strerror(errno));
	want.v6.sin6_scope_id = got.any.sa_family == AF_INET6 ? got.v6.sin6_scope_id : 0;
	live_check(!memcmp(&want, &got, len), "the name of %s port %d differs", address, port);
}

static int backlog_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	live_must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
	return (int)info.tcpi_sacked;
}

int main(void)
{
	const int on = 1;
	char device[IFNAMSIZ] = "";
	struct sock_filter code[] = { { BPF_LD | BPF_W | BPF_LEN, 1, 2, 7 },
				      { BPF_RET | BPF_K, 0, 0, 0xfffff } };
	struct sock_fprog filter = { 2, code };
	int shared[2];
	for (int i = 0; i < 2; i++) {
		shared[i] = prepare(AF_INET, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
		bind_to(shared[i], "127.0.0.1", PORT, NULL);
		live_must(listen(shared[i], 5 + i) == 0);
	}
	int six = prepare(AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	bind_to(six, "::", PORT + 1, NULL);
	live_must(listen(six, 3) == 0);
	int four = socket(AF_INET, SOCK_STREAM, 0);
	bind_to(four, "0.0.0.0", PORT + 1, NULL);
	live_must(listen(four, 3) == 0);
	int bound = prepare(AF_INET, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	bind_to(bound, "0.0.0.0", PORT + 2, NULL);
	live_must(listen(bound, 3) == 0);
	int beside = prepare(AF_INET, SOL_SOCKET, SO_BINDTODEVICE, "v0", 3);
	bind_to(beside, "0.0.0.0", PORT + 2, NULL);
	live_must(listen(beside, 3) == 0);
	int linked = socket(AF_INET6, SOCK_STREAM, 0);
	bind_to(linked, "fe80::77", PORT + 3, "v0");
	live_must(listen(linked, 3) == 0);
	int nowhere = prepare(AF_INET, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	bind_to(nowhere, "192.0.2.77", PORT + 4, NULL);
	live_must(listen(nowhere, 3) == 0);
	int only_bound = socket(AF_INET, SOCK_STREAM, 0);
	bind_to(only_bound, "127.0.0.1", PORT + 5, NULL);
	int unbound = prepare(AF_INET6, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));

	live_ready();

	for (int i = 0; i < 2; i++) {
		check_name(shared[i], "127.0.0.1", PORT);
		live_check(option(shared[i], SOL_SOCKET, SO_REUSEPORT) == 1, "SO_REUSEPORT is off");
		live_check(option(shared[i], SOL_SOCKET, SO_REUSEADDR) == 0, "SO_REUSEADDR is on");
		live_check(backlog_of(shared[i]) == 5 + i, "backlog is %d", backlog_of(shared[i]));
	}
	check_name(six, "::", PORT + 1);
	live_check(option(six, IPPROTO_IPV6, IPV6_V6ONLY) == 1, "IPV6_V6ONLY is off");
	live_check(option(six, SOL_SOCKET, SO_ACCEPTCONN) == 1, "it does not listen");
	check_name(four, "0.0.0.0", PORT + 1);
	socklen_t len = sizeof(device);
	live_check(getsockopt(bound, SOL_SOCKET, SO_BINDTODEVICE, device, &len) == 0 &&
		       !strcmp(device, "lo"),
		   "bound to device %s", device);
	check_name(beside, "0.0.0.0", PORT + 2);
	check_name(linked, "fe80::77", PORT + 3);
	check_name(nowhere, "192.0.2.77", PORT + 4);
	live_check(option(nowhere, IPPROTO_IP, IP_FREEBIND) == 1, "IP_FREEBIND is off");
	live_check(option(linked, IPPROTO_IPV6, 78) == 0, "IPV6_FREEBIND is on");
	check_name(only_bound, "127.0.0.1", PORT + 5);
	live_check(option(only_bound, SOL_SOCKET, SO_ACCEPTCONN) == 0, "it listens");
	live_check(listen(only_bound, 1) == 0, "listen: %s", strerror(errno));
	struct sock_filter got[2] = { { 0 } };
	len = 2;
	live_check(getsockopt(unbound, SOL_SOCKET, SO_GET_FILTER, got, &len) == 0 && len == 2 &&
		       !memcmp(got, code, sizeof(got)),
		   "the filter differs");
	int fd = tcp_connect("::1", PORT + 1), other = accept(six, NULL, NULL);
	live_check(other >= 0, "accept: %s", strerror(errno));
	tcp_put(fd, "hello", "IPv6");
	tcp_expect(other, "hello", "IPv6");
	live_pass();
}
