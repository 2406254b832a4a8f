/* SPDX-License-Identifier: MIT
 * A lock of a descriptor that is in flight is refused, saying where.
 * live-dump: --file-locks
 * live-refuse: in its queue: a descriptor in flight
 */
#include <sys/file.h>
#include <sys/socket.h>

#include "tests/live/live.h"

int main(void)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char text = 'l';
	struct iovec one = { &text, 1 };
	struct msghdr msg = { .msg_iov = &one,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int sock[2], fd = open(live_path("locked"), O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && flock(fd, LOCK_EX) == 0);
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock) == 0);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	live_must(sendmsg(sock[0], &msg, 0) == 1 && close(fd) == 0);
	live_ready();
	live_pass();
}
