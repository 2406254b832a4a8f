/* SPDX-License-Identifier: MIT
 * Descriptors that are on their way through a socket when it is dumped: a file with its offset, the
 * only read end of a pipe with data in it, and a socket with a queue of its own.
 */
#include <sys/socket.h>

#include "tests/live/live.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(3 * sizeof(int))];
};

static void send_fds(int sock, const int *fds, size_t nr)
{
	union control control = { 0 };
	char text[] = "msg";
	struct iovec one = { text, 3 };
	struct msghdr msg = { .msg_iov = &one,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = CMSG_SPACE(nr * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(c), fds, nr * sizeof(int));
	live_must(sendmsg(sock, &msg, 0) == 3);
}

static void receive_fds(int sock, int *fds, size_t nr)
{
	union control control;
	char text[8];
	struct iovec one = { text, sizeof(text) };
	struct msghdr msg = { .msg_iov = &one,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	live_check(recvmsg(sock, &msg, MSG_DONTWAIT) == 3, "recvmsg: %s", strerror(errno));
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	live_check(c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(nr * sizeof(int)),
		   "the message came without its descriptors");
	memcpy(fds, CMSG_DATA(c), nr * sizeof(int));
}

int main(void)
{
	int sock[2], pipes[2], inner[2], fds[3];
	char text[16] = "";
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock) == 0);
	live_must(socketpair(AF_UNIX, SOCK_DGRAM, 0, inner) == 0 && pipe(pipes) == 0);
	int file = open(live_path("sent"), O_RDWR | O_CREAT, 0600);
	live_must(file >= 0 && ftruncate(file, 100) == 0 && lseek(file, 40, SEEK_SET) == 40);
	live_must(write(pipes[1], "drops", 5) == 5 && send(inner[0], "deep", 4, 0) == 4);
	fds[0] = file;
	fds[1] = pipes[0];
	fds[2] = inner[1];
	send_fds(sock[0], fds, 3);
	close(file);
	close(pipes[0]);
	close(inner[1]);

	live_ready();

	receive_fds(sock[1], fds, 3);
	live_check(lseek(fds[0], 0, SEEK_CUR) == 40, "the file is at %ld, want 40",
		   (long)lseek(fds[0], 0, SEEK_CUR));
	live_check(read(fds[1], text, sizeof(text)) == 5 && !strcmp(text, "drops"), "pipe: %s",
		   text);
	live_check(write(pipes[1], "more", 4) == 4, "write to the pipe: %s", strerror(errno));
	live_check(recv(fds[2], text, sizeof(text), MSG_DONTWAIT) == 4 && !memcmp(text, "deep", 4),
		   "inner socket: %s", text);
	live_pass();
}
