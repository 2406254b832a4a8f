/* SPDX-License-Identifier: MIT
 * What others lose: an eventfd that counts down, and a repeating timerfd that was not read.
 * live-modes: SS RR 2S
 * live-skip: uname -r | grep -qvE "^(5[.]|6[.][0-4][.-])"
 */
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "tests/live/live.h"

int main(void)
{
	uint64_t value = 0;
	int fd = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	live_must(fd >= 0);
	struct itimerspec spec = { .it_value = { 0, 1 }, .it_interval = { 4000, 0 } };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	live_must(timer >= 0 && timerfd_settime(timer, 0, &spec, NULL) == 0);
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
	live_pass();
}
