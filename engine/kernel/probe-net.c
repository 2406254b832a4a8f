/* SPDX-License-Identifier: MIT
 * Features of sockets and packet filters; rules are tried in a network namespace of a child.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/kernel/feature.h"
#include "engine/net/lock.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* Linux 5.14 */
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78 /* Linux 4.15 */
#endif

/* Run something in a network of its own. @param run  @return exit status, 0: yes */
static bool in_other_network(int (*run)(void))
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) == 0 ? run() : 1);
	int status = 1;
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int try_nftables(void)
{
	struct lock_conn conn = { .family = AF_INET, .here = 1, .there = 2 };
	struct lock lock = {
		.method = NETWORK_LOCK_NFTABLES, .run_id = "probe", .conns = &conn, .nr = 1
	};
	return lock_set(&lock, NULL) < 0;
}

bool probe_lock_nftables(void)
{
	return in_other_network(try_nftables);
}

static int try_iptables_legacy(void)
{
	int null = open("/dev/null", O_RDWR);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execlp("iptables-legacy", "iptables-legacy", "-w", "-n", "-L", NULL);
	execl("/usr/sbin/iptables-legacy", "iptables-legacy", "-w", "-n", "-L", NULL);
	return 1;
}

bool probe_iptables_legacy(void)
{
	return in_other_network(try_iptables_legacy);
}

/* Connected in repair mode, which sends nothing, to a port of discarded packets. */
static bool shut_down_in_repair(int fd)
{
	int on = TCP_REPAIR_ON, queue = TCP_SEND_QUEUE;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return setsockopt(fd, SOL_TCP, TCP_REPAIR, &on, sizeof(on)) == 0 &&
	       connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	       setsockopt(fd, SOL_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) == 0 &&
	       shutdown(fd, SHUT_WR) == 0 &&
	       setsockopt(fd, SOL_TCP, TCP_REPAIR, &on, sizeof(on)) == 0 &&
	       getsockopt(fd, SOL_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == TCP_FIN_WAIT1;
}

bool probe_tcp_half_closed(void)
{
	auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && shut_down_in_repair(fd);
}

/* They say all that is needed themselves, where sock_diag(7) knows them (INET_RAW_DIAG) or not. */
bool probe_raw_sockets(void)
{
	auto_fd fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	int protocol = 0;
	socklen_t len = sizeof(protocol);
	return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       protocol == IPPROTO_ICMP;
}

static bool has_option(int family, int level, int option)
{
	auto_fd fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int value;
	socklen_t len = sizeof(value);
	return fd >= 0 && getsockopt(fd, level, option, &value, &len) == 0;
}

bool probe_buf_lock(void)
{
	return has_option(AF_INET, SOL_SOCKET, SO_BUF_LOCK);
}

bool probe_ipv6_freebind(void)
{
	return has_option(AF_INET6, SOL_IPV6, IPV6_FREEBIND);
}
