/* SPDX-License-Identifier: MIT
 * Abstract names of unix sockets in two network namespaces, the same in both: connections that were
 * accepted at them, datagrams of a sender that is gone.
 *
 * live-unshare: --pid --net
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <linux/sockios.h>

#include "tests/live/live.h"

static const struct sockaddr_un stream = { AF_UNIX, "\0live-stream" };
static const struct sockaddr_un dgram = { AF_UNIX, "\0live-dgram" };

struct place { /* what there is in a namespace */
	int listener, near, far, inbox;
};

static int connected(int type, const struct sockaddr_un *to)
{
	int fd = socket(AF_UNIX, type, 0);
	live_check(fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0,
		   "connect to %s: %s", to->sun_path + 1, strerror(errno));
	return fd;
}

static int bound(int type, const struct sockaddr_un *to)
{
	int fd = socket(AF_UNIX, type, 0);
	live_must(fd >= 0 && bind(fd, (const struct sockaddr *)to, sizeof(*to)) == 0);
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

static struct place settle(const char *text)
{
	struct place p = { .listener = bound(SOCK_STREAM, &stream) };
	live_must(listen(p.listener, 3) == 0);
	p.near = connected(SOCK_STREAM, &stream);
	p.far = accept(p.listener, NULL, NULL);
	p.inbox = bound(SOCK_DGRAM, &dgram);
	int gone = connected(SOCK_DGRAM, &dgram);
	says(gone, text);
	close(gone);
	says(p.near, text);
	return p;
}

static ino_t ns_of(int fd)
{
	struct stat st;
	int ns = ioctl(fd, SIOCGSKNS);
	live_must(ns >= 0 && fstat(ns, &st) == 0);
	close(ns);
	return st.st_ino;
}

static void check(const struct place *p, const char *text)
{
	hears(p->far, text);
	hears(p->inbox, text);
	says(p->far, "more");
	hears(p->near, "more");
	live_check(ns_of(p->far) == ns_of(p->listener) && ns_of(p->near) == ns_of(p->listener) &&
		       ns_of(p->inbox) == ns_of(p->listener),
		   "%s: a socket is in another namespace than before", text);
}

int main(void)
{
	live_must(unshare(CLONE_NEWNET) == 0);
	struct place outer = settle("outer");
	live_must(unshare(CLONE_NEWNET) == 0);
	struct place inner = settle("inner");
	live_must(unshare(CLONE_NEWNET) == 0);

	live_ready();

	check(&outer, "outer");
	check(&inner, "inner");
	live_check(ns_of(outer.far) != ns_of(inner.far), "both are in one namespace");
	live_pass();
}
