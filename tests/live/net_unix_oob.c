/* SPDX-License-Identifier: MIT
 * Urgent bytes in unix streams (MSG_OOB, Linux 5.15): in front of others, behind them, in between,
 * alone, inline.
 * live-modes: SS RR 2S
 */
#include <sys/socket.h>

#include "tests/live/live.h"

static void make(int to[2], const char *before, const char *after)
{
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, to) == 0);
	if (*before)
		live_must(send(to[1], before, strlen(before), 0) > 0);
	if (send(to[1], "!", 1, MSG_OOB) < 0 && errno == EOPNOTSUPP)
		live_pass(); /* this kernel has none */
	if (*after)
		live_must(send(to[1], after, strlen(after), 0) > 0);
}

static void expect(int fd, const char *what, int flags, const char *want)
{
	char buf[32] = "";
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, flags | MSG_DONTWAIT);
	live_check(n == (ssize_t)strlen(want) && !memcmp(buf, want, strlen(want)),
		   "%s: got %zd bytes '%s', want '%s'", what, n, buf, want);
}

/* In however many pieces. */
static void expect_all(int fd, const char *what, const char *want)
{
	char buf[32] = "";
	size_t len = 0;
	ssize_t n;
	while ((n = recv(fd, buf + len, sizeof(buf) - 1 - len, MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	live_check(!strcmp(buf, want), "%s: got '%s', want '%s'", what, buf, want);
}

int main(void)
{
	int front[2], end[2], middle[2], alone[2], in_line[2], taken[2], on = 1;
	make(front, "", "after");
	make(end, "before", "");
	make(middle, "before", "after");
	make(alone, "", "");
	make(in_line, "be", "af");
	live_must(setsockopt(in_line[0], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)) == 0);
	make(taken, "before", "after");
	expect(taken[0], "taken", MSG_OOB, "!");

	live_ready();

	expect(front[0], "front", MSG_OOB, "!");
	expect(front[0], "front", 0, "after");
	expect(end[0], "end", 0, "before");
	expect(end[0], "end", MSG_OOB, "!");
	expect(middle[0], "middle", MSG_OOB, "!");
	expect(middle[0], "middle, before the mark", 0, "before");
	expect(middle[0], "middle, behind the mark", 0, "after");
	expect(alone[0], "alone", MSG_OOB, "!");
	/* a mark whose byte was taken, or stands among the others, is lost; no byte is */
	expect_all(in_line[0], "inline", "be!af");
	expect_all(taken[0], "taken", "beforeafter");
	live_pass();
}
