/* SPDX-License-Identifier: MIT
 * Timers that start threads (SIGEV_THREAD): their signal is one of the C library's own, which its
 * functions never block, and which has no handler.
 *
 * live-modes: SS 2S
 */
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/live/live.h"

#define INTERVAL_NSEC 2000000
#define NR_TIMERS     4

static atomic_int fired[NR_TIMERS];

static void count(union sigval value)
{
	atomic_fetch_add(&fired[value.sival_int], 1);
	live_sleep_ms(1);
}

int main(void)
{
	for (int i = 0; i < NR_TIMERS; i++) {
		struct sigevent event = { .sigev_notify = SIGEV_THREAD,
					  .sigev_notify_function = count,
					  .sigev_value.sival_int = i };
		struct itimerspec when = { { 0, INTERVAL_NSEC }, { 0, INTERVAL_NSEC } };
		timer_t timer;
		live_must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
		live_must(timer_settime(timer, 0, &when, NULL) == 0);
	}
	live_ready();
	for (int i = 0; i < NR_TIMERS; i++) {
		int before = fired[i];
		for (int ms = 0; fired[i] < before + 5 && ms < 5000; ms++)
			live_sleep_ms(1);
		live_check(fired[i] >= before + 5, "timer %d has fired %d times since", i,
			   fired[i] - before);
	}
	live_pass();
}
