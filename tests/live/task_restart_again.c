/* SPDX-License-Identifier: MIT
 * Waits that the kernel has taken up again already, after a stop: restored they go on, too.
 * CRIU 4.2 stores EINTR for them.
 * live-link: -pthread
 * live-modes: SS RR 2S
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static int ends[2];
static pid_t tids[2];
static volatile int polled;

static void *in_poll(void *arg)
{
	struct pollfd p = { .fd = ends[0], .events = POLLIN };
	tids[0] = gettid();
	int n = poll(&p, 1, 600000);
	live_check(n == 1, "poll with a timeout: %d %s", n, strerror(errno));
	polled = 1;
	return arg;
}

static void *in_sleep(void *arg)
{
	struct timespec t = { 600, 0 };
	tids[1] = gettid();
	int rc = nanosleep(&t, NULL);
	live_fail("nanosleep: %d %s", rc, strerror(errno));
	return arg;
}

/* The number of the system call a thread waits in; -1: it does not wait */
static int call_of(pid_t pid, pid_t tid)
{
	char path[64], text[16] = "";
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 && text[0] != 'r' ? atoi(text) : -1;
}

static void wait_call(pid_t pid, pid_t tid, int call)
{
	while (call_of(pid, tid) != call)
		live_sleep_ms(5);
}

static char state_of(pid_t pid)
{
	char path[64], text[512] = "";
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);
	live_must(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && close(fd) == 0);
	return strrchr(text, ')')[2];
}

/* As a shell does it: Ctrl-Z, fg. */
static _Noreturn void stop_and_go(pid_t pid)
{
	live_must(kill(pid, SIGSTOP) == 0);
	while (state_of(pid) != 'T')
		live_sleep_ms(5);
	live_must(kill(pid, SIGCONT) == 0);
	_exit(0);
}

int main(void)
{
	pthread_t threads[2];
	pid_t pid = getpid();
	live_must(pipe(ends) == 0);
	live_must(pthread_create(&threads[0], NULL, in_poll, NULL) == 0);
	live_must(pthread_create(&threads[1], NULL, in_sleep, NULL) == 0);
	while (!tids[0] || !tids[1])
		live_sleep_ms(5);
	wait_call(pid, tids[0], SYS_poll);
	wait_call(pid, tids[1], SYS_clock_nanosleep);
	pid_t child = fork();
	live_must(child >= 0);
	if (child == 0)
		stop_and_go(pid);
	live_must(waitpid(child, NULL, 0) == child);
	wait_call(pid, tids[0], SYS_restart_syscall);
	wait_call(pid, tids[1], SYS_restart_syscall);

	live_ready();

	for (int i = 0; i < 2; i++)
		while (call_of(pid, tids[i]) < 0)
			live_sleep_ms(5);
	live_must(write(ends[1], "p", 1) == 1);
	while (!polled)
		live_sleep_ms(5);
	live_pass();
}
