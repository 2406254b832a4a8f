/* SPDX-License-Identifier: MIT
 * pidfds: of this process, a child, a zombie, processes that are no more; shared with a child, one
 * in an epoll set.
 */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int open_pidfd(pid_t pid, unsigned int flags)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, flags);
	live_must(fd >= 0);
	return fd;
}

static int send_signal(int fd, int signo)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0);
}

static pid_t child(void (*fn)(int), int arg)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		fn(arg);
		_exit(5);
	}
	return pid;
}

static void die(int arg)
{
	(void)arg;
}

static void live_long(int parent)
{
	live_wait();
	live_check(send_signal(parent, 0) == 0, "the child's pidfd: %s", strerror(errno));
	for (;;)
		live_sleep_ms(1000);
}

static ino_t ino_of(int fd)
{
	struct stat st;
	live_must(fstat(fd, &st) == 0);
	return st.st_ino;
}

int main(void)
{
	siginfo_t info = { 0 };
	int self = open_pidfd(getpid(), O_NONBLOCK);
	pid_t pid = child(live_long, self), zombie = child(die, 0), gone = child(die, 0);
	int living = open_pidfd(pid, 0), ended = open_pidfd(zombie, 0), dead = open_pidfd(gone, 0);
	int again = open_pidfd(gone, 0), ep = epoll_create1(0);
	live_must(waitpid(gone, NULL, 0) == gone);
	gone = child(die, 0);
	int other = open_pidfd(gone, 0);
	live_must(waitpid(gone, NULL, 0) == gone);
	live_must(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT) == 0);
	struct epoll_event e = { EPOLLIN, { .u64 = 4711 } };
	live_must(epoll_ctl(ep, EPOLL_CTL_ADD, living, &e) == 0);
	live_ready();
	live_check(send_signal(self, 0) == 0, "its own: %s", strerror(errno));
	live_check((fcntl(self, F_GETFL) & O_NONBLOCK) && !(fcntl(living, F_GETFL) & O_NONBLOCK) &&
		       fcntl(self, F_GETFD) == FD_CLOEXEC,
		   "flags");
	live_check(send_signal(living, 0) == 0, "a child's: %s", strerror(errno));
	live_check(send_signal(dead, 0) < 0 && errno == ESRCH, "a dead one lives");
	live_check(send_signal(other, 0) < 0 && errno == ESRCH, "another dead one lives");
	live_check(ino_of(dead) == ino_of(again), "a dead process became two");
	live_check(ino_of(self) == ino_of(living) || ino_of(dead) != ino_of(other),
		   "two dead processes became one");
	struct pollfd p = { .fd = ended, .events = POLLIN };
	live_check(poll(&p, 1, 1000) == 1, "the zombie's is not ready");
	memset(&info, 0, sizeof(info));
	live_check(waitid(P_PIDFD, (id_t)ended, &info, WEXITED) == 0 && info.si_pid == zombie &&
		       info.si_status == 5,
		   "the zombie: pid %d, status %d", info.si_pid, info.si_status);
	live_check(epoll_wait(ep, &e, 1, 0) == 0, "the child has ended");
	live_check(send_signal(living, SIGKILL) == 0, "kill: %s", strerror(errno));
	live_check(epoll_wait(ep, &e, 1, 5000) == 1 && e.data.u64 == 4711, "epoll saw no end");
	live_check(waitid(P_PIDFD, (id_t)living, &info, WEXITED) == 0 && info.si_pid == pid,
		   "the child: pid %d", info.si_pid);
	live_pass();
}
