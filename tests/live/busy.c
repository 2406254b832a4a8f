/* SPDX-License-Identifier: MIT
 * A tree that does a bit of everything while it is dumped: arithmetic, sleeps, polls, a game over
 * pipes, calls, signals, a child; each counts in a shared file, and a wrong result is a verdict.
 * The peer's dump ends sleeps with EINTR, which programs see; so none of it here.
 * live-modes: SS SC RR 2S
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define NR_COUNTERS 16

static volatile uint64_t *counters;
static int ping[2], pong[2], quiet[2];

/* A leaf that keeps values in registers and below the stack pointer. */
static __attribute__((noinline)) double leaf(const double *in, int n)
{
	double a = in[0], b = in[1], c = in[2], d = in[3];
	uint64_t x = 0x9e3779b97f4a7c15;
	for (int i = 0; i < n; i++) {
		a = a * 0.5 + b * 0.25;
		b = b * 0.5 + c * 0.5;
		c = c * 0.25 + d * 0.75;
		d = d * 0.5 + a * 0.5 + 1;
		x = (x << 13 | x >> 51) * 5 + (uint64_t)i;
	}
	return a + b + c + d + (double)(x >> 40);
}

static void *compute(void *arg)
{
	static const double in[] = { 1.5, 2.5, 3.5, 4.5 };
	volatile uint64_t *count = arg;
	double want = leaf(in, 20000);
	for (;; ++*count) {
		if (*count % 16 == 0)
			live_sleep_ms(2);
		double got = leaf(in, 20000);
		live_check(got == want, "arithmetic went wrong: %g, want %g", got, want);
	}
	return NULL;
}

static void *sleeps(void *arg)
{
	volatile uint64_t *count = arg;
	for (;; ++*count) {
		struct timespec time = { 0, 2000000 };
		int rc = nanosleep(&time, NULL);
		live_check(rc == 0, "nanosleep: %s", strerror(errno));
	}
	return NULL;
}

static void *polls(void *arg)
{
	volatile uint64_t *count = arg;
	for (;; ++*count) {
		struct pollfd fd = { quiet[0], POLLIN, 0 };
		int rc = poll(&fd, 1, 3);
		live_check(rc == 0, "poll: %d %s", rc, rc < 0 ? strerror(errno) : "");
	}
	return NULL;
}

/* Two ends of the same game; both block in read() most of the time. */
static void play(int in, int out, volatile uint64_t *count)
{
	char byte = 0;
	for (;; ++*count) {
		ssize_t n = read(in, &byte, 1);
		live_check(n == 1, "read from a pipe: %zd %s", n, n < 0 ? strerror(errno) : "");
		byte++;
		n = write(out, &byte, 1);
		live_check(n == 1, "write to a pipe: %zd %s", n, n < 0 ? strerror(errno) : "");
	}
}

static void *play_ping(void *arg)
{
	play(ping[0], pong[1], arg);
	return NULL;
}

static void *play_pong(void *arg)
{
	play(pong[0], ping[1], arg);
	return NULL;
}

static void *syscalls(void *arg)
{
	volatile uint64_t *count = arg;
	for (pid_t pid = getpid();; ++*count) {
		live_check(syscall(SYS_getpid) == pid, "getpid changed");
		if (*count % 1024 == 0)
			live_sleep_ms(1);
	}
	return NULL;
}

static void on_alarm(int signal)
{
	(void)signal;
	++counters[7];
}

/* Only the thread with SIGALRM open takes it, so that no other call is interrupted. */
static void *alarms(void *arg)
{
	(void)arg;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	for (;;)
		pause();
	return NULL;
}

static void start(void *(*run)(void *), int counter)
{
	pthread_t thread;
	live_must((errno = pthread_create(&thread, NULL, run, (void *)&counters[counter])) == 0);
}

static void start_child(void)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid)
		return;
	start(compute, 8);
	start(sleeps, 9);
	start(polls, 10);
	live_wait();
	live_sleep_ms(500);
	_exit(0);
}

int main(void)
{
	int fd = open(live_path("counters"), O_RDWR | O_CREAT, 0644);
	live_must(fd >= 0 && ftruncate(fd, NR_COUNTERS * 8) == 0);
	counters = mmap(NULL, NR_COUNTERS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	live_must(counters != MAP_FAILED && close(fd) == 0);
	live_must(pipe(ping) == 0 && pipe(pong) == 0 && pipe(quiet) == 0);

	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	live_must(sigaction(SIGALRM, &action, NULL) == 0);

	start_child();
	start(compute, 0);
	start(sleeps, 1);
	start(polls, 2);
	start(play_ping, 3);
	start(play_pong, 4);
	start(syscalls, 5);
	start(alarms, 6);
	struct itimerval timer = { { 0, 2000 }, { 0, 2000 } };
	live_must(setitimer(ITIMER_REAL, &timer, NULL) == 0);
	live_must(write(ping[1], "", 1) == 1);
	live_ready();
	uint64_t before[NR_COUNTERS];
	for (int i = 0; i < NR_COUNTERS; i++)
		before[i] = counters[i];
	live_sleep_ms(400);
	for (int i = 0; i < 11; i++) {
		live_check(i == 6 || counters[i] > before[i], "activity %d stands still at %lu", i,
			   (unsigned long)before[i]);
	}
	int status = -1;
	live_check(waitpid(-1, &status, 0) > 0 && status == 0, "the child ended with %#x", status);
	live_pass();
}
