/* SPDX-License-Identifier: MIT
 * What others lose: an eventfd that counts down, a repeating timerfd that was not read, and
 * timerfds that wake the machine up at a time of day, without a clock that could, too.
 * live-modes: SS RR 2S
 * live-skip: uname -r | grep -qvE "^(5[.]|6[.][0-4][.-])"
 */
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "tests/live/live.h"

static int alarm_at(clockid_t clock, clockid_t now, time_t in)
{
	struct itimerspec spec = { 0 };
	int fd = timerfd_create(clock, 0);
	live_must(fd >= 0 && clock_gettime(now, &spec.it_value) == 0);
	spec.it_value.tv_sec += in;
	live_must(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
	return fd;
}

static void check_alarm(int fd, const char *what, time_t in)
{
	struct itimerspec spec;
	live_check(timerfd_gettime(fd, &spec) == 0 && spec.it_value.tv_sec < in &&
		       spec.it_value.tv_sec > in - 100,
		   "%s: %ld s left", what, (long)spec.it_value.tv_sec);
}

int main(void)
{
	uint64_t value = 0;
	int fd = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	live_must(fd >= 0);
	struct itimerspec spec = { .it_value = { 0, 1 }, .it_interval = { 4000, 0 } };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	live_must(timer >= 0 && timerfd_settime(timer, 0, &spec, NULL) == 0);
	int day = alarm_at(CLOCK_REALTIME_ALARM, CLOCK_REALTIME, 5000);
	int boot = alarm_at(CLOCK_BOOTTIME_ALARM, CLOCK_BOOTTIME, 6000);
	live_sleep_ms(2);
	live_ready();
	for (int i = 0; i < 3; i++)
		live_check(read(fd, &value, sizeof(value)) == sizeof(value) && value == 1,
			   "read %d gave %llu", i, (unsigned long long)value);
	live_check(read(fd, &value, sizeof(value)) < 0 && errno == EAGAIN, "a fourth one");
	live_check(read(timer, &value, sizeof(value)) == sizeof(value) && value == 1,
		   "the timer ran out %llu times", (unsigned long long)value);
	live_check(timerfd_gettime(timer, &spec) == 0 && spec.it_interval.tv_sec == 4000 &&
		       spec.it_value.tv_sec > 3900,
		   "the timer stands still: %ld s left", (long)spec.it_value.tv_sec);
	check_alarm(day, "CLOCK_REALTIME_ALARM", 5000);
	check_alarm(boot, "CLOCK_BOOTTIME_ALARM", 6000);
	live_pass();
}
