/* SPDX-License-Identifier: MIT
 * Connected unix sockets: pairs between tasks with data in both directions, half closed ones,
 * what a peer that is gone left behind, packets that keep their borders, options.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static void expect(int fd, const char *want, const char *what)
{
	char got[64] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	live_check(n == (ssize_t)strlen(want) && !strcmp(got, want),
		   "%s: read %zd bytes, \"%s\", want \"%s\"", what, n, got, want);
}

static void put(int fd, const char *text)
{
	live_must(send(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static void expect_end(int fd, const char *what)
{
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);
	live_check(n == 0, "%s: read %zd, want the end", what, n);
}

static void child(int sock)
{
	live_wait();
	expect(sock, "to the child", "child");
	live_check(send(sock, "answer", 6, 0) == 6, "child: send: %s", strerror(errno));
	_exit(0);
}

static void pair(int type, int fds[2])
{
	live_must(socketpair(AF_UNIX, type, 0, fds) == 0);
}

int main(void)
{
	int family[2], both[2], half[2], widow[2], packets[2], optioned[2], status;
	pair(SOCK_STREAM, family);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		close(family[0]);
		child(family[1]);
	}
	close(family[1]);
	put(family[0], "to the child");

	pair(SOCK_STREAM | SOCK_NONBLOCK, both);
	put(both[0], "one");
	put(both[1], "other");
	pair(SOCK_STREAM, half);
	put(half[0], "last words");
	live_must(shutdown(half[0], SHUT_WR) == 0);
	pair(SOCK_STREAM, widow);
	put(widow[1], "legacy");
	live_must(close(widow[1]) == 0);
	pair(SOCK_SEQPACKET, packets);
	put(packets[0], "p1");
	put(packets[0], "packet two");
	int size = 100000, on = 1;
	struct timeval limit = { 3, 500000 };
	pair(SOCK_STREAM, optioned);
	live_must(setsockopt(optioned[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
	live_must(setsockopt(optioned[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	live_must(setsockopt(optioned[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);

	live_ready();

	live_check(waitpid(pid, &status, 0) == pid && status == 0, "the child: status %#x", status);
	expect(family[0], "answer", "answer of the child");
	expect(both[1], "one", "first way");
	expect(both[0], "other", "second way");
	live_check(fcntl(both[0], F_GETFL) & O_NONBLOCK, "a socket blocks now");
	live_check(!(fcntl(half[0], F_GETFL) & O_NONBLOCK), "a socket does not block now");
	expect(half[1], "last words", "half closed");
	expect_end(half[1], "half closed");
	put(half[1], "reply");
	expect(half[0], "reply", "half closed, the other way");
	expect(widow[0], "legacy", "peer gone");
	expect_end(widow[0], "peer gone");
	expect(packets[1], "p1", "first packet");
	expect(packets[1], "packet two", "second packet");
	socklen_t len = sizeof(size);
	size = 0;
	live_check(getsockopt(optioned[0], SOL_SOCKET, SO_SNDBUF, &size, &len) == 0 &&
		       size == 200000,
		   "SO_SNDBUF is %d", size);
	len = sizeof(limit);
	live_check(getsockopt(optioned[0], SOL_SOCKET, SO_RCVTIMEO, &limit, &len) == 0 &&
		       limit.tv_sec == 3 && limit.tv_usec == 500000,
		   "SO_RCVTIMEO is %ld s", (long)limit.tv_sec);
	len = sizeof(on);
	live_check(getsockopt(optioned[1], SOL_SOCKET, SO_PASSCRED, &on, &len) == 0 && on == 1,
		   "SO_PASSCRED is %d", on);
	live_pass();
}
