/* SPDX-License-Identifier: MIT
 * eventfd with a count, as a semaphore, at its limit; signalfd; timerfds that run, repeat, have run
 * out, and one of absolute time.
 * live-modes: SS SC CS RR 2S
 */
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "tests/live/live.h"

static int timer(int clock, int flags, time_t sec, time_t interval)
{
	struct itimerspec spec = { .it_value = { sec, 1 }, .it_interval = { interval, 0 } };
	struct timespec now = { 0 };
	int fd = timerfd_create(clock, TFD_NONBLOCK);
	live_must(fd >= 0);
	if (flags & TFD_TIMER_ABSTIME)
		clock_gettime(clock, &now);
	spec.it_value.tv_sec += now.tv_sec;
	live_must(timerfd_settime(fd, flags, &spec, NULL) == 0);
	return fd;
}

static void check_left(int fd, time_t sec, time_t interval, const char *what)
{
	struct itimerspec spec;
	live_check(timerfd_gettime(fd, &spec) == 0, "%s: %s", what, strerror(errno));
	live_check(spec.it_value.tv_sec > sec - 60 && spec.it_value.tv_sec <= sec,
		   "%s: %ld s left, want %ld", what, (long)spec.it_value.tv_sec, (long)sec);
	live_check(spec.it_interval.tv_sec == interval, "%s: interval %ld", what,
		   (long)spec.it_interval.tv_sec);
}

static uint64_t take(int fd, const char *what)
{
	uint64_t value = 0;
	live_check(read(fd, &value, sizeof(value)) == sizeof(value), "%s: read: %s", what,
		   strerror(errno));
	return value;
}

int main(void)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGRTMIN + 3);
	live_must(sigprocmask(SIG_BLOCK, &mask, NULL) == 0);
	int count = eventfd(7, EFD_NONBLOCK), empty = eventfd(0, EFD_NONBLOCK);
	int full = eventfd(0, EFD_NONBLOCK);
	uint64_t most = UINT32_MAX - 1; /* what CRIU keeps */
	live_must(write(full, &most, sizeof(most)) == sizeof(most));
	int signals = signalfd(-1, &mask, SFD_NONBLOCK);
	int running = timer(CLOCK_MONOTONIC, 0, 5000, 0),
	    repeats = timer(CLOCK_REALTIME, 0, 900, 3);
	int absolute = timer(CLOCK_REALTIME, TFD_TIMER_ABSTIME, 7000, 0);
	int out = timer(CLOCK_BOOTTIME, 0, 0, 0), idle = timerfd_create(CLOCK_MONOTONIC, 0);
	live_sleep_ms(2);

	live_ready();

	live_check(take(count, "count") == 7, "the count changed");
	uint64_t none;
	live_check(read(empty, &none, sizeof(none)) < 0 && errno == EAGAIN, "empty: not empty");
	live_check(take(full, "full") == most, "the large count changed");
	live_check(kill(getpid(), SIGUSR1) == 0, "kill: %s", strerror(errno));
	struct signalfd_siginfo info;
	live_check(read(signals, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1,
		   "signalfd: no SIGUSR1");
	check_left(running, 5000, 0, "running");
	check_left(repeats, 900, 3, "repeating");
	check_left(absolute, 7000, 0, "absolute");
	live_check(take(out, "run out") == 1, "a timer that had run out has not");
	struct itimerspec spec;
	live_check(timerfd_gettime(idle, &spec) == 0 && !spec.it_value.tv_sec, "idle: runs");
	live_pass();
}
