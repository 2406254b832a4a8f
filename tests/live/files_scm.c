/* SPDX-License-Identifier: MIT
 * A file that one task sent another over a socket: other numbers, one offset, one set of flags.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define NUMBER 70 /* of the receiver's descriptor */

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static struct msghdr message(union control *control, struct iovec *one)
{
	return (struct msghdr){ .msg_iov = one,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(*control) };
}

static void send_fd(int sock, int fd)
{
	union control control = { 0 };
	char byte = 'f';
	struct iovec one = { &byte, 1 };
	struct msghdr msg = message(&control, &one);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	live_must(sendmsg(sock, &msg, 0) == 1);
}

static int receive_fd(int sock)
{
	union control control = { 0 };
	char byte;
	struct iovec one = { &byte, 1 };
	struct msghdr msg = message(&control, &one);
	int fd;
	live_must(recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static void receiver(int sock)
{
	int fd = receive_fd(sock);
	live_must(dup2(fd, NUMBER) == NUMBER && close(fd) == 0);
	live_must(write(sock, "k", 1) == 1 && close(sock) == 0);
	live_wait();
	live_check(lseek(NUMBER, 0, SEEK_CUR) == 40, "the receiver is at %ld, want 40",
		   (long)lseek(NUMBER, 0, SEEK_CUR));
	live_check(lseek(NUMBER, 77, SEEK_SET) == 77, "lseek: %s", strerror(errno));
	live_check(fcntl(NUMBER, F_SETFL, O_APPEND) == 0, "F_SETFL: %s", strerror(errno));
	_exit(0);
}

int main(void)
{
	int sock[2], status;
	char byte;
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		close(sock[0]);
		receiver(sock[1]);
	}
	/* opened after the fork: nothing but the message leads to the other task */
	int fd = open(live_path("sent"), O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && ftruncate(fd, 100) == 0);
	send_fd(sock[0], fd);
	live_must(lseek(fd, 40, SEEK_SET) == 40 && read(sock[0], &byte, 1) == 1);
	close(sock[0]);
	close(sock[1]);
	live_ready();

	live_check(waitpid(pid, &status, 0) == pid && status == 0, "the receiver: status %#x",
		   status);
	live_check(lseek(fd, 0, SEEK_CUR) == 77, "the sender is at %ld, want 77",
		   (long)lseek(fd, 0, SEEK_CUR));
	live_check(fcntl(fd, F_GETFL) & O_APPEND, "the sender does not see the receiver's flag");
	live_pass();
}
