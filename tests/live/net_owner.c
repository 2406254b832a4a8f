/* SPDX-License-Identifier: MIT
 * Sockets of every kind, made by a user who is not root, stay that user's: packet filters and
 * SO_REUSEPORT go by it. One that a task was given belongs to somebody else.
 *
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 * live-net: true
 * live-skip: command -v nft
 */
#include <grp.h>
#include <sys/prctl.h>
#include <linux/netlink.h>
#include <linux/if_packet.h>
#include <stdbool.h>

#include "tests/live/tcp.h"

#define USER  33
#define GROUP 44
#define OTHER 55

static int fds[16];
static size_t nr;

static void keep(int fd)
{
	live_must(fd >= 0);
	fds[nr++] = fd;
}

/* The filter of this namespace drops what this user sends. */
static bool may_send(int fd)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, "127.0.0.1", 7802);
	return sendto(fd, "x", 1, 0, &addr.any, len) == 1 || errno != EPERM;
}

static int shared(void)
{
	union tcp_addr addr;
	int on = 1;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	live_check(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0,
		   "make a socket: %s", strerror(errno));
	socklen_t len = tcp_addr(&addr, "127.0.0.1", 7801);
	live_check(bind(fd, &addr.any, len) == 0, "share the port: %s", strerror(errno));
	return fd;
}

int main(void)
{
	int pair[2];
	live_must(system("nft 'table ip t { chain o { type filter hook output priority 0; "
			 "udp dport 7802 meta skuid 33 drop; }; }'") == 0);
	keep(socket(AF_PACKET, SOCK_DGRAM, 0)); /* while it may */
	live_must(fchown(fds[0], USER, GROUP) == 0);
	int given = socket(AF_INET, SOCK_DGRAM, 0);
	live_must(given >= 0 && fchown(given, OTHER, OTHER) == 0);
	live_must(setgroups(0, NULL) == 0 && setresgid(GROUP, GROUP, GROUP) == 0);
	live_must(setresuid(USER, USER, USER) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
	keep(socket(AF_INET, SOCK_STREAM, 0));
	keep(socket(AF_INET6, SOCK_DGRAM, 0));
	keep(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	keep(socket(AF_UNIX, SOCK_DGRAM, 0));
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	keep(pair[0]);
	keep(pair[1]);
	keep(tcp_listen("127.0.0.1", 7800));
	keep(tcp_connect("127.0.0.1", 7800));
	keep(accept(fds[nr - 2], NULL, NULL));
	keep(shared());
	keep(shared());
	live_must(!may_send(fds[nr - 1]));

	live_ready();

	live_check(!may_send(fds[nr - 1]), "the filter takes the socket for another user's");

	struct stat st;
	for (size_t i = 0; i < nr; i++) {
		live_check(fstat(fds[i], &st) == 0 && st.st_uid == USER && st.st_gid == GROUP,
			   "socket %zu belongs to %u:%u, want %u:%u", i, st.st_uid, st.st_gid, USER,
			   GROUP);
	}
	live_check(fstat(given, &st) == 0 && st.st_uid == OTHER, "a given one belongs to %u",
		   st.st_uid);
	shared();
	live_pass();
}
