/* SPDX-License-Identifier: MIT
 * Sockets with a peek offset (SO_PEEK_OFF), which moves with what is looked at and what is read:
 * a stream, a datagram socket, UDP.
 * live-modes: SS RR 2S
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/live/live.h"

static void set(int fd, int offset)
{
	live_must(setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset)) == 0);
}

static int get(int fd)
{
	int offset = -2;
	socklen_t len = sizeof(offset);
	getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, &len);
	return offset;
}

static void expect(int fd, const char *what, int flags, const char *want)
{
	char buf[16] = "";
	ssize_t n = recv(fd, buf, strlen(want), flags);
	live_check(n == (ssize_t)strlen(want) && !memcmp(buf, want, (size_t)n),
		   "%s: '%s', want '%s'", what, buf, want);
}

int main(void)
{
	int stream[2], dgram[2], none[2];
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, stream) == 0);
	live_must(socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram) == 0);
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, none) == 0);
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in addr = { AF_INET, 0, { htonl(INADDR_LOOPBACK) }, { 0 } };
	socklen_t len = sizeof(addr);
	live_must(udp >= 0 && bind(udp, (struct sockaddr *)&addr, len) == 0 &&
		  getsockname(udp, (struct sockaddr *)&addr, &len) == 0);
	live_must(write(stream[1], "stream of words", 15) == 15);
	live_must(write(dgram[1], "packets", 7) == 7);
	live_must(write(none[1], "none", 4) == 4);
	live_must(sendto(udp, "datagram", 8, 0, (struct sockaddr *)&addr, len) == 8);
	set(stream[0], 0);
	expect(stream[0], "stream", MSG_PEEK, "stream ");
	set(dgram[0], 4);
	set(udp, 3);

	live_ready();

	live_check(get(stream[0]) == 7, "offset of the stream is %d", get(stream[0]));
	live_check(get(dgram[0]) == 4, "offset of the datagram socket is %d", get(dgram[0]));
	live_check(get(none[0]) == -1, "an offset out of nothing: %d", get(none[0]));
	live_check(get(udp) == 3, "offset of the UDP socket is %d", get(udp));
	expect(stream[0], "stream", MSG_PEEK, "of words");
	expect(stream[0], "stream", 0, "stream of words");
	expect(dgram[0], "datagram socket", MSG_PEEK, "ets");
	expect(udp, "UDP", MSG_PEEK, "agram");
	expect(none[0], "plain", MSG_PEEK, "no");
	expect(none[0], "plain", MSG_PEEK, "none");
	live_pass();
}
