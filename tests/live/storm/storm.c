/* SPDX-License-Identifier: MIT
 * Signals of POSIX timers that come all the time: one is on its way whenever the task is to stop.
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define TIMERS 8
#define EVERY  20000 /* ns */

static void on_tick(int signo)
{
	(void)signo;
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_tick };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	sigaction(SIGUSR2, &action, NULL);
	for (int i = 0; i < TIMERS; i++) {
		struct itimerspec often = { { 0, EVERY + i * 777 }, { 0, EVERY + i * 777 } };
		timer_t timer;
		if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 ||
		    timer_settime(timer, 0, &often, NULL) < 0)
			return 1;
	}
	for (;;)
		pause();
}
