/* SPDX-License-Identifier: MIT
 * A timer that ticks all the time: it neither stops nor kills.
 */
#include <signal.h>
#include <sys/time.h>

#include "tests/live/live.h"

static volatile unsigned ticks;

static void handler(int signo)
{
	(void)signo;
	ticks++;
}

int main(void)
{
	struct itimerval every = { { 0, 2000 }, { 0, 2000 } };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	live_must(sigaction(SIGALRM, &sa, NULL) == 0);
	live_must(setitimer(ITIMER_REAL, &every, NULL) == 0);
	live_ready();
	unsigned before = ticks;
	for (int i = 0; i < 2000 && ticks < before + 10; i++)
		live_sleep_ms(1);
	live_check(ticks >= before + 10, "%u ticks after the restore", ticks - before);
	live_pass();
}
