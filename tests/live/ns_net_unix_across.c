/* SPDX-License-Identifier: MIT
 * Unix sockets that are connected from one network namespace to another, by names that are files:
 * streams, datagrams, with data on the way.
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

/* Are both of one network namespace? */
static bool together(int a, int b)
{
	return ns_number_of_socket(a) == ns_number_of_socket(b);
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
	words_say(near, "to");
	words_say(far, "back");
	words_say(out, "one");

	live_ready();

	live_check(together(near, far) == ends, "the connection: both ends are %sin one namespace",
		   ends ? "not " : "");
	live_check(!together(listener, near) && together(listener, inbox) && together(near, out),
		   "sockets are in other namespaces than before");
	words_hear(far, "to");
	words_hear(near, "back");
	words_hear(inbox, "one");
	words_say(near, "more");
	words_hear(far, "more");
	words_say(out, "two");
	words_hear(inbox, "two");
	int next = connected(SOCK_STREAM, "stream"), accepted = accept(listener, NULL, NULL);
	words_say(next, "new");
	words_hear(accepted, "new");
	live_pass();
}
