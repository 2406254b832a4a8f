/* SPDX-License-Identifier: MIT
 * Unix sockets that are connected from one network namespace to another, by names that are files:
 * streams, datagrams, with data on the way.
 *
 * live-unshare: --pid --net
 * live-modes: SS RR 2S
 */
#include <linux/sockios.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/live/live.h"

static struct sockaddr_un address(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", live_path(name));
	return a;
}

static int bound(int type, const char *name)
{
	const struct sockaddr_un a = address(name);
	int fd = socket(AF_UNIX, type, 0);
	live_must(fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0);
	return fd;
}

static int connected(int type, const char *name)
{
	const struct sockaddr_un a = address(name);
	int fd = socket(AF_UNIX, type, 0);
	live_must(fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0);
	return fd;
}

static void says(int fd, const char *text)
{
	live_check(send(fd, text, strlen(text), 0) == (ssize_t)strlen(text), "send %s: %s", text,
		   strerror(errno));
}

static void hears(int fd, const char *text)
{
	char got[16] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	live_check(n == (ssize_t)strlen(text) && !strcmp(got, text), "got \"%s\", want \"%s\"", got,
		   text);
}

/* Are both of one network namespace? */
static bool together(int a, int b)
{
	struct stat one, other;
	int fds[2] = { ioctl(a, SIOCGSKNS), ioctl(b, SIOCGSKNS) };
	live_must(fds[0] >= 0 && fds[1] >= 0);
	live_must(fstat(fds[0], &one) == 0 && fstat(fds[1], &other) == 0);
	close(fds[0]);
	close(fds[1]);
	return one.st_ino == other.st_ino;
}

int main(void)
{
	live_must(unshare(CLONE_NEWNET) == 0);
	int listener = bound(SOCK_STREAM, "stream"), inbox = bound(SOCK_DGRAM, "dgram");
	live_must(listen(listener, 3) == 0 && unshare(CLONE_NEWNET) == 0);
	int near = connected(SOCK_STREAM, "stream"), far = accept(listener, NULL, NULL);
	int out = connected(SOCK_DGRAM, "dgram");
	live_must(dup2(listener, 60) == 60 && close(listener) == 0); /* opened after the others */
	listener = 60;
	bool ends = together(near, far), halves = together(out, inbox);
	live_must(!together(listener, near) && !halves);
	says(near, "to");
	says(far, "back");
	says(out, "one");

	live_ready();

	live_check(together(near, far) == ends, "the connection: both ends are %sin one namespace",
		   ends ? "not " : "");
	live_check(!together(listener, near) && together(listener, inbox) && together(near, out),
		   "sockets are in other namespaces than before");
	hears(far, "to");
	hears(near, "back");
	hears(inbox, "one");
	says(near, "more");
	hears(far, "more");
	says(out, "two");
	hears(inbox, "two");
	int next = connected(SOCK_STREAM, "stream"), accepted = accept(listener, NULL, NULL);
	says(next, "new");
	hears(accepted, "new");
	live_pass();
}
