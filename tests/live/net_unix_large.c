/* SPDX-License-Identifier: MIT
 * Messages of unusual size: a datagram longer than any buffer was made for, and sequenced packets
 * of no bytes between others.
 * live-modes: SS RR 2S
 */
#include <sys/socket.h>

#include "tests/live/live.h"

#define LARGE 400000

static void expect(int fd, const char *want)
{
	char got[16] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	live_check(n == (ssize_t)strlen(want) && !strcmp(got, want),
		   "received %zd, \"%s\", want \"%s\"", n, got, want);
}

int main(void)
{
	static char large[LARGE], got[LARGE + 1];
	int pair[2], packets[2], size = LARGE;
	live_must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	live_must(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)(i * 7 + i / 4096);
	live_must(send(pair[0], large, LARGE, 0) == LARGE);
	live_must(send(pair[0], "small", 5, 0) == 5);
	live_must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packets) == 0);
	live_must(send(packets[0], "a", 1, 0) == 1 && send(packets[0], "", 0, 0) == 0);
	live_must(send(packets[0], "b", 1, 0) == 1);

	live_ready();

	ssize_t n = recv(pair[1], got, sizeof(got), MSG_DONTWAIT);
	live_check(n == LARGE && !memcmp(got, large, LARGE), "the large datagram: %zd bytes", n);
	expect(pair[1], "small");
	expect(packets[1], "a");
	expect(packets[1], "");
	expect(packets[1], "b");
	live_pass();
}
