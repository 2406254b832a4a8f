/* SPDX-License-Identifier: MIT
 * A signalfd in an epoll wakes who waits: signals wake the handlers of the task that added it. One
 * of this process, with a thread that waits already; one of a child; one a child inherited, with
 * another number behind the descriptor; one in a nested instance.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define LIMIT_MS 5000

static volatile int woken;

static int signal_fd(int signo)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signo);
	live_must(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	int fd = signalfd(-1, &set, SFD_NONBLOCK);
	live_must(fd >= 0);
	return fd;
}

static void add(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { events, { .u64 = data } };
	live_must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0);
}

static int watch(int fd, uint64_t data)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	live_must(ep >= 0);
	add(ep, fd, EPOLLIN, data);
	return ep;
}

static void *wait_always(void *ep)
{
	struct epoll_event e;
	while (epoll_wait(*(int *)ep, &e, 1, -1) < 0)
		continue;
	woken = e.data.u64 == 0x51;
	return NULL;
}

static void *raise_later(void *signo)
{
	live_sleep_ms(100);
	kill(getpid(), *(int *)signo);
	return NULL;
}

/* The signal comes while the wait is on: that takes an entry in the right queue. */
static void expect(const char *who, int ep, int fd, int signo, uint64_t data)
{
	struct epoll_event e = { 0 };
	struct signalfd_siginfo info;
	pthread_t thread;
	live_check(pthread_create(&thread, NULL, raise_later, &signo) == 0, "thread");
	int n = epoll_wait(ep, &e, 1, LIMIT_MS);
	live_check(n == 1 && e.data.u64 == data, "%s: %d events, data %#lx", who, n,
		   (unsigned long)e.data.u64);
	live_check(read(fd, &info, sizeof(info)) == sizeof(info) && (int)info.ssi_signo == signo,
		   "%s: no signal to read", who);
	pthread_join(thread, NULL);
}

/* One that fired stays quiet; an edge nobody has seen is not lost over that. */
static int one_shot(int fd, int signo)
{
	struct epoll_event e = { 0 };
	struct signalfd_siginfo info;
	int ep = epoll_create1(0), ends[2];
	add(ep, fd, EPOLLIN | EPOLLONESHOT, 0xf1);
	live_must(raise(signo) == 0 && epoll_wait(ep, &e, 1, LIMIT_MS) == 1);
	live_must(read(fd, &info, sizeof(info)) == sizeof(info));
	live_must(pipe(ends) == 0 && write(ends[1], "e", 1) == 1);
	add(ep, ends[0], EPOLLIN | EPOLLET, 0xed);
	return ep;
}

static void check_one_shot(int ep, int fd, int signo)
{
	struct epoll_event e[2] = { { 0 } };
	struct signalfd_siginfo info;
	live_check(raise(signo) == 0, "raise: %s", strerror(errno));
	int n = epoll_wait(ep, e, 2, 0);
	live_check(n == 1 && e[0].data.u64 == 0xed, "one-shot: %d events, the first of %#lx", n,
		   (unsigned long)e[0].data.u64);
	live_check(read(fd, &info, sizeof(info)) == sizeof(info), "one-shot: no signal to read");
	e[0] = (struct epoll_event){ EPOLLIN | EPOLLONESHOT, { .u64 = 0xf2 } };
	live_check(epoll_ctl(ep, EPOLL_CTL_MOD, fd, e) == 0, "one-shot: %s", strerror(errno));
	expect("one-shot", ep, fd, signo, 0xf2);
}

static pid_t child(int inherited, int inherited_fd)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid)
		return pid;
	live_must(close(inherited) == 0);
	int moved = signal_fd(SIGUSR1), ep = watch(moved, 0xc1);
	int fd = dup(moved); /* the number it was added through has another file */
	live_must(fd >= 0 && dup2(STDERR_FILENO, moved) == moved);
	live_must(fcntl(inherited_fd, F_GETFD) >= 0);
	live_say("child", "");
	live_wait();
	expect("the child", ep, fd, SIGUSR1, 0xc1);
	_exit(0);
}

int main(void)
{
	struct stat st;
	pthread_t thread;
	int status;
	int fd = signal_fd(SIGURG), ep = watch(fd, 0x51);
	int other = signal_fd(SIGUSR2), edge = epoll_create1(0), outer = watch(edge, 0xe1);
	add(edge, other, EPOLLIN | EPOLLET, 0xed);
	int once_fd = signal_fd(SIGVTALRM), once = one_shot(once_fd, SIGVTALRM);
	pid_t pid = child(ep, fd);
	while (stat(live_path("child"), &st) < 0)
		live_sleep_ms(2);
	live_must(pthread_create(&thread, NULL, wait_always, &ep) == 0);
	live_sleep_ms(20);
	live_ready();

	live_check(kill(getpid(), SIGURG) == 0, "kill: %s", strerror(errno));
	for (int ms = 0; !woken && ms < LIMIT_MS; ms += 5)
		live_sleep_ms(5);
	live_check(woken, "the thread that waits was not woken");
	expect("nested", outer, other, SIGUSR2, 0xe1);
	check_one_shot(once, once_fd, SIGVTALRM);
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "the child: status %#x", status);
	live_pass();
}
