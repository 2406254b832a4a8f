/* SPDX-License-Identifier: MIT
 * Datagram sockets: one that many send to, with messages waiting, an empty one among them; a
 * connected one; a pair.
 * live-modes: SS SC RR 2S
 */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/live/live.h"

static void expect(int fd, const char *want)
{
	char got[64] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	live_check(n == (ssize_t)strlen(want) && !strcmp(got, want),
		   "received %zd, \"%s\", want \"%s\"", n, got, want);
}

int main(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int name =
	    snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "stasis-dgram-%d", getpid());
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)name);
	int log = socket(AF_UNIX, SOCK_DGRAM, 0), sender = socket(AF_UNIX, SOCK_DGRAM, 0);
	int stranger = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), pair[2];
	live_must(bind(log, (struct sockaddr *)&addr, len) == 0);
	live_must(connect(sender, (struct sockaddr *)&addr, len) == 0);
	live_must(send(sender, "first", 5, 0) == 5);
	live_must(send(sender, "", 0, 0) == 0);
	live_must(sendto(stranger, "third", 5, 0, (struct sockaddr *)&addr, len) == 5);
	live_must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	live_must(send(pair[0], "left", 4, 0) == 4 && send(pair[1], "right", 5, 0) == 5);

	live_ready();

	expect(log, "first");
	expect(log, "");
	expect(log, "third");
	expect(pair[1], "left");
	expect(pair[0], "right");
	live_check(send(sender, "again", 5, 0) == 5, "send: %s", strerror(errno));
	expect(log, "again");
	live_check(sendto(stranger, "on", 2, 0, (struct sockaddr *)&addr, len) == 2, "sendto: %s",
		   strerror(errno));
	expect(log, "on");
	live_pass();
}
