/* SPDX-License-Identifier: MIT
 * Descriptors that tell of tasks, on their way through a socket: a pidfd, a namespace, a file in
 * /proc of this process, an epoll with a pidfd in it. Between messages without any, in a queue
 * whose other end is closed, and one that a task holds as well.
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* @param fd  -1: none; closed */
static void send_fd(int sock, char text, int fd)
{
	union control control = { 0 };
	struct iovec one = { &text, 1 };
	struct msghdr msg = { .msg_iov = &one, .msg_iovlen = 1 };
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	live_must(sendmsg(sock, &msg, 0) == 1);
	if (fd >= 0)
		close(fd);
}

static int receive_fd(int sock, char text)
{
	union control control;
	char got = 0;
	int fd = -1;
	struct iovec one = { &got, 1 };
	struct msghdr msg = { .msg_iov = &one,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	live_check(recvmsg(sock, &msg, MSG_DONTWAIT) == 1 && got == text, "message %c: got %c, %s",
		   text, got, strerror(errno));
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	live_must(fd >= 0);
	return fd;
}

static int epoll_of(int fd)
{
	struct epoll_event e = { EPOLLIN, { .u64 = 0xe0 } };
	int ep = epoll_create1(0);
	live_must(ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0);
	return ep;
}

static ino_t ino_of(int fd)
{
	struct stat st;
	live_check(fstat(fd, &st) == 0, "fstat: %s", strerror(errno));
	return st.st_ino;
}

static void check_proc(int fd)
{
	char text[256] = "", want[32];
	snprintf(want, sizeof(want), "%d (", getpid());
	live_check(read(fd, text, sizeof(text) - 1) > 0 && !strncmp(text, want, strlen(want)),
		   "the file in /proc: %s", text);
}

int main(void)
{
	int sock[2], widow[2];
	char text[8];
	struct epoll_event e;
	pid_t pid = fork();
	live_must(pid >= 0);
	while (pid == 0)
		pause();
	live_must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock) == 0);
	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, widow) == 0);
	int of_child = pidfd(pid), held = pidfd(getpid());
	send_fd(sock[0], '0', -1);
	send_fd(sock[0], 'e', epoll_of(of_child));
	send_fd(sock[0], 'p', of_child);
	send_fd(sock[0], 'n', open("/proc/self/ns/net", O_RDONLY));
	send_fd(sock[0], '1', -1);
	send_fd(sock[0], 'h', dup(held));
	send_fd(widow[0], 's', open("/proc/self/stat", O_RDONLY));
	close(widow[0]);

	live_ready();

	live_check(receive_fd(sock[1], '0') < 0, "a descriptor with the first message");
	int ep = receive_fd(sock[1], 'e'), child = receive_fd(sock[1], 'p');
	int net = receive_fd(sock[1], 'n');
	live_check(receive_fd(sock[1], '1') < 0, "a descriptor with the fifth message");
	int mine = receive_fd(sock[1], 'h'), own = open("/proc/self/ns/net", O_RDONLY);
	check_proc(receive_fd(widow[1], 's'));
	live_check(recv(widow[1], text, 1, MSG_DONTWAIT) == 0, "no end: %s", strerror(errno));
	live_check(ino_of(net) == ino_of(own), "another namespace");
	live_check(syscall(SYS_kcmp, getpid(), getpid(), 0, mine, held) == 0, "it became two");
	live_check(epoll_wait(ep, &e, 1, 0) == 0, "the child has ended");
	live_check(syscall(SYS_pidfd_send_signal, child, SIGKILL, NULL, 0) == 0, "signal: %s",
		   strerror(errno));
	live_check(epoll_wait(ep, &e, 1, 5000) == 1 && e.data.u64 == 0xe0, "epoll saw no end");
	live_check(waitpid(pid, NULL, 0) == pid, "the child: %s", strerror(errno));
	live_pass();
}
