/* SPDX-License-Identifier: MIT
 * Abstract names of unix sockets in two network namespaces, the same in both: connections that were
 * accepted at them, datagrams of a sender that is gone.
 *
 * live-unshare: --pid --net
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/live/namespaces.h"
#include "tests/live/words.h"

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

static struct place settle(const char *text)
{
	struct place p = { .listener = bound(SOCK_STREAM, &stream) };
	live_must(listen(p.listener, 3) == 0);
	p.near = connected(SOCK_STREAM, &stream);
	p.far = accept(p.listener, NULL, NULL);
	p.inbox = bound(SOCK_DGRAM, &dgram);
	int gone = connected(SOCK_DGRAM, &dgram);
	words_say(gone, text);
	close(gone);
	words_say(p.near, text);
	return p;
}

static void check(const struct place *p, const char *text)
{
	words_hear(p->far, text);
	words_hear(p->inbox, text);
	words_say(p->far, "more");
	words_hear(p->near, "more");
	live_check(ns_number_of_socket(p->far) == ns_number_of_socket(p->listener) &&
		       ns_number_of_socket(p->near) == ns_number_of_socket(p->listener) &&
		       ns_number_of_socket(p->inbox) == ns_number_of_socket(p->listener),
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
	live_check(ns_number_of_socket(outer.far) != ns_number_of_socket(inner.far),
		   "both are in one namespace");
	live_pass();
}
