/* SPDX-License-Identifier: MIT
 * Threads waiting in system calls go on waiting: none sees an error it did not ask for.
 * CRIU 4.2 stores EINTR for waits with a timeout.
 * live-modes: SS SC RR 2S
 */
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static int pipes[4][2];
static unsigned word;
static volatile int done[9];
static pid_t sleeper;

static void *in_read(void *arg)
{
	char c = 0;
	(void)arg;
	live_check(read(pipes[0][0], &c, 1) == 1 && c == 'r', "read: %s", strerror(errno));
	done[0] = 1;
	return NULL;
}
static void *in_poll(void *arg)
{
	struct pollfd p = { .fd = pipes[1][0], .events = POLLIN };
	(void)arg;
	int n = poll(&p, 1, 600000);
	live_check(n == 1, "poll with a timeout: %d %s", n, strerror(errno));
	done[1] = 1;
	return NULL;
}
static void *in_select(void *arg)
{
	fd_set set;
	(void)arg;
	FD_ZERO(&set);
	FD_SET(pipes[2][0], &set);
	int n = select(pipes[2][0] + 1, &set, NULL, NULL, NULL);
	live_check(n == 1, "select: %d %s", n, strerror(errno));
	done[2] = 1;
	return NULL;
}
static void *in_futex(void *arg)
{
	(void)arg;
	struct timespec t = { 600, 0 };
	long n = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0);
	live_check(n == 0 || errno == EAGAIN, "futex: %s", strerror(errno));
	live_check(word == 1, "futex woke for nothing");
	done[3] = 1;
	return NULL;
}
static void *in_ppoll(void *arg)
{
	struct pollfd p = { .fd = pipes[3][0], .events = POLLIN };
	sigset_t all;
	(void)arg;
	sigfillset(&all);
	int n = ppoll(&p, 1, NULL, &all);
	live_check(n == 1, "ppoll: %d %s", n, strerror(errno));
	done[4] = 1;
	return NULL;
}
static void *in_wait(void *arg)
{
	int status;
	(void)arg;
	pid_t pid = waitpid(sleeper, &status, 0);
	live_check(pid == sleeper, "waitpid: %d %s", pid, strerror(errno));
	done[5] = 1;
	return NULL;
}
static void *in_sigwait(void *arg)
{
	sigset_t set;
	siginfo_t info;
	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, 40);
	int n = sigwaitinfo(&set, &info);
	live_check(n == 40, "sigwaitinfo: %d %s", n, strerror(errno));
	done[6] = 1;
	return NULL;
}
static void *in_sleep(void *arg)
{
	struct timespec left = { 0, 0 }, t = { 0, 600000000 };
	(void)arg;
	for (int i = 0; i < 5; i++)
		live_check(nanosleep(&t, &left) == 0, "nanosleep: %s", strerror(errno));
	done[7] = 1;
	return NULL;
}
static void *in_pause(void *arg)
{
	(void)arg;
	pause();
	live_fail("pause returned: %s", strerror(errno));
	return NULL;
}

int main(void)
{
	void *(*const waits[])(void *) = { in_read, in_poll,    in_select, in_futex, in_ppoll,
					   in_wait, in_sigwait, in_sleep,  in_pause };
	pthread_t t;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (int i = 0; i < 4; i++)
		live_must(pipe(pipes[i]) == 0);
	sleeper = fork();
	if (sleeper == 0)
		for (;;)
			live_sleep_ms(100000);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		live_must(pthread_create(&t, NULL, waits[i], NULL) == 0);
	live_sleep_ms(50);

	live_ready();

	live_sleep_ms(50);
	for (int i = 0; i < 7; i++)
		live_check(!done[i], "wait %d ended by itself", i);
	for (int i = 0; i < 4; i++)
		live_must(write(pipes[i][1], "r", 1) == 1);
	word = 1;
	syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0);
	kill(sleeper, SIGKILL);
	kill(getpid(), 40);
	for (int i = 0; i < 8; i++) {
		for (int n = 0; n < 8000 && !done[i]; n++)
			live_sleep_ms(1);
		live_check(done[i], "wait %d never ended", i);
	}
	live_pass();
}
