/* SPDX-License-Identifier: MIT
 * Tasks with clocks of their own, that are not the root's; two of them in one time namespace.
 *
 * live-skip: unshare -T true
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/live/live.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static double now(clockid_t clock)
{
	struct timespec ts;
	live_must(clock_gettime(clock, &ts) == 0);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void enter(const char *offsets)
{
	live_must(unshare(CLONE_NEWTIME) == 0);
	int fd = open("/proc/self/timens_offsets", O_WRONLY);
	live_must(fd >= 0 && write(fd, offsets, strlen(offsets)) == (ssize_t)strlen(offsets));
	close(fd);
	fd = open("/proc/self/ns/time_for_children", O_RDONLY);
	live_must(fd >= 0 && setns(fd, CLONE_NEWTIME) == 0);
	close(fd);
}

static void check_clocks(const char *who, double monotonic, double boottime)
{
	double m = now(CLOCK_MONOTONIC), b = now(CLOCK_BOOTTIME);
	live_check(m >= monotonic && m < monotonic + 60, "%s: monotonic is %f, was %f", who, m,
		   monotonic);
	live_check(b >= boottime && b < boottime + 60, "%s: boottime is %f, was %f", who, b,
		   boottime);
}

static _Noreturn void inner(int ready, const char *offsets, int more)
{
	int status;
	pid_t pid = 0;
	enter(offsets);
	double monotonic = now(CLOCK_MONOTONIC), boottime = now(CLOCK_BOOTTIME);
	if (more)
		pid = fork();
	live_must(write(ready, "r", 1) == 1);
	live_wait();
	check_clocks(offsets, monotonic, boottime);
	live_check(pid == 0 || (waitpid(pid, &status, 0) == pid && status == 0), "the child");
	_exit(0);
}

int main(void)
{
	static const char *const offsets[] = { "monotonic 1000000 500000000\nboottime 3000000 0\n",
					       "monotonic 5000 0\nboottime 7000 0\n" };
	char text[2];
	int ready[2], status;
	pid_t pids[2];
	live_must(pipe(ready) == 0);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		live_must(pids[i] >= 0);
		if (pids[i] == 0)
			inner(ready[1], offsets[i], i);
	}
	for (int i = 0; i < 3; i++)
		live_must(read(ready[0], text, 1) == 1);
	double monotonic = now(CLOCK_MONOTONIC), boottime = now(CLOCK_BOOTTIME);

	live_ready();

	check_clocks("here", monotonic, boottime);
	for (int i = 0; i < 2; i++)
		live_check(waitpid(pids[i], &status, 0) == pids[i] && status == 0,
			   "inside it ended with %#x", status);
	live_pass();
}
