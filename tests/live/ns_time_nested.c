/* SPDX-License-Identifier: MIT
 * Tasks with clocks of their own, that are not the root's; two of them in one time namespace.
 *
 * live-skip: unshare -T true
 * live-modes: SS RR 2S
 */
#include <sys/wait.h>

#include "tests/live/timens.h"

static void check_clocks(const char *who, double monotonic, double boottime)
{
	double m = timens_now(CLOCK_MONOTONIC), b = timens_now(CLOCK_BOOTTIME);
	live_check(m >= monotonic && m < monotonic + 60, "%s: monotonic is %f, was %f", who, m,
		   monotonic);
	live_check(b >= boottime && b < boottime + 60, "%s: boottime is %f, was %f", who, b,
		   boottime);
}

static _Noreturn void inner(int ready, const char *offsets, int more)
{
	int status;
	pid_t pid = 0;
	timens_enter(offsets);
	double monotonic = timens_now(CLOCK_MONOTONIC), boottime = timens_now(CLOCK_BOOTTIME);
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
	double monotonic = timens_now(CLOCK_MONOTONIC), boottime = timens_now(CLOCK_BOOTTIME);

	live_ready();

	check_clocks("here", monotonic, boottime);
	for (int i = 0; i < 2; i++)
		live_check(waitpid(pids[i], &status, 0) == pids[i] && status == 0,
			   "inside it ended with %#x", status);
	live_pass();
}
