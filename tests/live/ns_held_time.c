/* SPDX-License-Identifier: MIT
 * A time namespace that only a descriptor leads to, and nobody has ever been in: its clocks go on.
 *
 * live-skip: unshare -T true
 * live-modes: SS RR 2S
 */
#include "tests/live/namespaces.h"
#include "tests/live/timens.h"

static void check_clock(clockid_t clock, double from)
{
	double now = timens_now(clock);
	live_check(now >= from && now < from + 60, "clock %d is %f, was %f", clock, now, from);
}

int main(void)
{
	int home = ns_open_own("time");
	double monotonic = timens_now(CLOCK_MONOTONIC), boottime = timens_now(CLOCK_BOOTTIME);
	timens_make("monotonic 5000 500000000\nboottime 7000000 0\n");
	int held = ns_open_own("time_for_children");
	live_must(setns(home, CLONE_NEWTIME) == 0 && close(home) == 0);

	live_ready();

	check_clock(CLOCK_MONOTONIC, monotonic);
	check_clock(CLOCK_BOOTTIME, boottime);
	live_check(setns(held, CLONE_NEWTIME) == 0, "setns: %s", strerror(errno));
	check_clock(CLOCK_MONOTONIC, monotonic + 5000.5);
	check_clock(CLOCK_BOOTTIME, boottime + 7000000);
	live_pass();
}
