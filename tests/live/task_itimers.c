/* SPDX-License-Identifier: MIT
 * The three interval timers: what is left, the interval, and that they fire; one that is not armed
 * stays so.
 */
#include <signal.h>
#include <sys/time.h>

#include "tests/live/live.h"

static volatile int fired;

static void handler(int signo)
{
	(void)signo;
	fired++;
}

static void expect(int which, long interval_s, long left_s)
{
	struct itimerval now;
	live_must(getitimer(which, &now) == 0);
	live_check(now.it_interval.tv_sec == interval_s, "timer %d: interval %ld, want %ld", which,
		   (long)now.it_interval.tv_sec, interval_s);
	live_check(now.it_value.tv_sec <= left_s && now.it_value.tv_sec >= left_s - 60,
		   "timer %d: %ld s left, want about %ld", which, (long)now.it_value.tv_sec,
		   left_s);
}

int main(void)
{
	struct itimerval virt = { { 100, 5 }, { 3000, 0 } }, prof = { { 1, 0 }, { 0, 0 } };
	struct itimerval real = { { 200, 0 }, { 1000, 0 } };
	signal(SIGALRM, handler);
	live_must(setitimer(ITIMER_VIRTUAL, &virt, NULL) == 0);
	live_must(setitimer(ITIMER_PROF, &prof, NULL) == 0);
	live_must(setitimer(ITIMER_REAL, &real, NULL) == 0);

	live_ready();

	expect(ITIMER_REAL, 200, 1000);
	expect(ITIMER_VIRTUAL, 100, 3000);
	expect(ITIMER_PROF, 1, 0); /* not armed: its interval is kept for nothing */
	struct itimerval soon = { { 0, 0 }, { 0, 1000 } };
	live_must(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	for (int i = 0; i < 2000 && !fired; i++)
		live_sleep_ms(1);
	live_check(fired == 1, "the timer fired %d times", fired);
	live_pass();
}
