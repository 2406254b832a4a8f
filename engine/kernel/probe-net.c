/* SPDX-License-Identifier: MIT
 * Features of sockets and packet filters; rules are tried in a network namespace of a child.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/kernel/feature.h"
#include "engine/net/lock.h"
#include "engine/net/nl.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* Linux 5.14 */
#endif
#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C /* Linux 4.10 */
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

bool probe_tun(void)
{
	unsigned index = 13;
	auto_fd fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	return fd >= 0 && ioctl(fd, TUNSETIFINDEX, &index) == 0;
}

bool probe_tun_ns(void)
{
	auto_fd fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	auto_fd ns = fd >= 0 ? ioctl(fd, SIOCGSKNS) : -1;
	return ns >= 0;
}

bool probe_socket_netns(void)
{
	auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	auto_fd ns = fd >= 0 ? ioctl(fd, SIOCGSKNS) : -1;
	return ns >= 0;
}

/* One that has no number yet has -1, and the question is understood. */
bool probe_netns_ids(void)
{
	auto_nl rt = NULL;
	auto_strbuf answer = { 0 };
	struct nl_request ask;
	auto_fd ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (ns < 0 || nl_open(NETLINK_ROUTE, &rt, NULL) < 0)
		return false;
	nl_begin(&ask, RTM_GETNSID, 0, sizeof(struct rtgenmsg));
	nl_put_u32(&ask, NETNSA_FD, (uint32_t)ns);
	return nl_get(rt, &ask, &answer) == 0;
}

bool probe_unix_file(void)
{
	auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* without a name there is no file: but it knows the question */
	return fd >= 0 && ioctl(fd, SIOCUNIXFILE) < 0 && errno == ENOENT;
}

static int make_device(unsigned index)
{
	auto_nl rt = NULL;
	struct nl_request ask;
	if (nl_open(NETLINK_ROUTE, &rt, NULL) < 0)
		return 1;
	struct ifinfomsg *head = nl_begin(&ask, RTM_NEWLINK, NLM_F_CREATE, sizeof(*head));
	head->ifi_index = (int)index;
	nl_put_str(&ask, IFLA_IFNAME, "probe");
	struct nlattr *info = nl_nest(&ask, IFLA_LINKINFO);
	nl_put_str(&ask, IFLA_INFO_KIND, "veth");
	nl_nest_end(&ask, info);
	return nl_do(rt, &ask, NULL) < 0;
}

static int try_new_ifindex(void)
{
	return make_device(77) || if_nametoindex("probe") != 77;
}

bool probe_new_ifindex(void)
{
	return in_other_network(try_new_ifindex);
}

/* One end moves to yet another network; the other one knows that by a number. */
static int try_link_nsid(void)
{
	auto_nl rt = NULL;
	auto_strbuf answer = { 0 };
	struct nl_request ask;
	const struct nlattr *tb[IFLA_MAX + 1];
	auto_fd home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0 || make_device(77) || nl_open(NETLINK_ROUTE, &rt, NULL) < 0 ||
	    unshare(CLONE_NEWNET) < 0)
		return 1;
	auto_fd away = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct ifinfomsg *head = nl_begin(&ask, RTM_SETLINK, 0, sizeof(*head));
	head->ifi_index = 77;
	nl_put_u32(&ask, IFLA_NET_NS_FD, (uint32_t)away);
	if (nl_do(rt, &ask, NULL) < 0)
		return 1;
	nl_begin(&ask, RTM_GETLINK, 0, sizeof(*head));
	if (nl_dump(rt, &ask, &answer) < 0)
		return 1;
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(&answer, msg));) {
		nl_attrs(msg, sizeof(*head), tb, IFLA_MAX);
		if (tb[IFLA_LINK_NETNSID])
			return 0;
	}
	return 1;
}

bool probe_link_nsid(void)
{
	return in_other_network(try_link_nsid);
}

bool probe_nftables(void)
{
	auto_nl nl = NULL;
	struct nl_request ask;
	if (nl_open(NETLINK_NETFILTER, &nl, NULL) < 0)
		return false;
	nl_begin(&ask, NFNL_SUBSYS_NFTABLES << 8 | 1 /* NFT_MSG_GETTABLE */, 0,
		 sizeof(struct nfgenmsg));
	auto_strbuf answer = { 0 };
	return nl_dump(nl, &ask, &answer) == 0;
}
