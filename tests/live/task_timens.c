/* SPDX-License-Identifier: MIT
 * A tree with clocks of its own: CLOCK_MONOTONIC and CLOCK_BOOTTIME go on from where they were, for
 * timers and sleeps with absolute times, too.
 *
 * live-skip: unshare -T true
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "tests/live/timens.h"

static double now_by_call(clockid_t clock)
{
	struct timespec ts;
	live_must(syscall(SYS_clock_gettime, clock, &ts) == 0);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct timespec at(double time)
{
	return (struct timespec){ (time_t)time, (long)((time - (double)(time_t)time) * 1e9) };
}

static void check_clock(const char *who, clockid_t clock, double before)
{
	double later = timens_now(clock), by_call = now_by_call(clock);
	live_check(later >= before && later < before + 60, "%s: clock %d says %f, was %f", who,
		   clock, later, before);
	live_check(by_call >= later && by_call < later + 1, "%s: vdso says %f, the kernel %f", who,
		   later, by_call);
}

int main(void)
{
	timens_enter("monotonic 1000000 500000000\nboottime 3000000 0\n");
	double monotonic = timens_now(CLOCK_MONOTONIC), boottime = timens_now(CLOCK_BOOTTIME);
	live_must(monotonic > 1000000 && boottime > 3000000);
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK);
	struct itimerspec far = { .it_value = at(boottime + 1000) };
	live_must(timerfd_settime(fd, TFD_TIMER_ABSTIME, &far, NULL) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		struct timespec until = at(timens_now(CLOCK_MONOTONIC) + 2);
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
			;
		live_wait();
		check_clock("child", CLOCK_MONOTONIC, monotonic + 2);
		_exit(7);
	}
	live_ready();

	check_clock("parent", CLOCK_MONOTONIC, monotonic);
	check_clock("parent", CLOCK_BOOTTIME, boottime);
	struct itimerspec left;
	live_check(timerfd_gettime(fd, &left) == 0 && left.it_value.tv_sec > 900 &&
		       left.it_value.tv_sec <= 1000,
		   "timerfd: %ld s left", (long)left.it_value.tv_sec);
	int status;
	live_check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7,
		   "the child ended with %#x", status);
	live_pass();
}
