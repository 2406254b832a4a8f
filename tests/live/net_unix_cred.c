/* SPDX-License-Identifier: MIT
 * Who the other end of a unix socket is (SO_PEERCRED, SO_PEERGROUPS), of a client that is another
 * user: accepted, waiting to be accepted, of a pair; and whom the client finds at the other end.
 */
#include <grp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

#define USER  33
#define GROUP 44
static const gid_t groups[] = { 5, 6 };

static struct sockaddr_un addr = { .sun_family = AF_UNIX };

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	live_must(fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

static void check(const char *what, int fd, pid_t pid, uid_t uid, gid_t gid, size_t nr_groups)
{
	struct ucred peer = { 0 };
	gid_t now[64] = { 0 };
	socklen_t len = sizeof(peer);
	live_check(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0, "SO_PEERCRED");
	live_check(peer.uid == uid && peer.gid == gid, "%s: user %u, group %u", what, peer.uid,
		   peer.gid);
	live_check(peer.pid == pid, "%s: pid %d, want %d", what, peer.pid, pid);
	len = sizeof(now);
	if (nr_groups)
		live_check(getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, now, &len) == 0 &&
			       len == nr_groups * sizeof(*now) && !memcmp(now, groups, len),
			   "%s: groups %u, %u of %u bytes", what, now[0], now[1], len);
}

static void child(pid_t parent, int tell)
{
	int pair[2];
	live_must(setgroups(2, groups) == 0 && setresgid(GROUP, GROUP, GROUP) == 0);
	live_must(setresuid(USER, USER, USER) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
	int one = client(), two = client();
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && write(tell, "x", 1) == 1);
	close(tell);
	live_wait();
	check("client", one, parent, 0, 0, 0);
	check("waiting client", two, parent, 0, 0, 0);
	check("pair", pair[0], getpid(), USER, GROUP, 2);
	check("pair", pair[1], getpid(), USER, GROUP, 2);
	_exit(0);
}

int main(void)
{
	int tell[2], status;
	char byte;
	snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "stasis-cred-%d", getpid());
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	live_must(bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	live_must(listen(listener, 5) == 0 && pipe(tell) == 0);
	pid_t parent = getpid(), pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		child(parent, tell[1]);
	live_must(read(tell[0], &byte, 1) == 1);
	int accepted = accept(listener, NULL, NULL);
	live_must(accepted >= 0 && close(tell[0]) == 0 && close(tell[1]) == 0);

	live_ready();

	check("accepted", accepted, pid, USER, GROUP, 2);
	int waited = accept(listener, NULL, NULL);
	live_check(waited >= 0, "accept: %s", strerror(errno));
	check("waited", waited, pid, USER, GROUP, 2);
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "the child ended with %x",
		   status);
	live_pass();
}
