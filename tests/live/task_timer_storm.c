/* SPDX-License-Identifier: MIT
 * Signals of POSIX timers that come all the time: each is on its way when the task is to stop.
 */
#include <signal.h>
#include <time.h>

#include "tests/live/live.h"

#define TIMERS 8
#define EVERY  20000 /* ns */

static volatile sig_atomic_t ticks;

static void on_tick(int signo)
{
	(void)signo;
	ticks++;
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	live_must(sigaction(SIGUSR2, &action, NULL) == 0);
	for (int i = 0; i < TIMERS; i++) {
		struct itimerspec often = { { 0, EVERY + i * 777 }, { 0, EVERY + i * 777 } };
		timer_t timer;
		live_must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
		live_must(timer_settime(timer, 0, &often, NULL) == 0);
	}
	live_ready();
	sig_atomic_t before = ticks;
	for (int i = 0; i < 1000 && ticks == before; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	live_check(ticks != before, "no timer ticks any more");
	live_pass();
}
