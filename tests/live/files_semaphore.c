/* SPDX-License-Identifier: MIT
 * An eventfd that counts down one by one goes on doing so. (Images of others do not tell.)
 * live-modes: SS RR 2S
 * live-skip: uname -r | grep -qvE "^(5[.]|6[.][0-4][.-])"
 */
#include <stdint.h>
#include <sys/eventfd.h>

#include "tests/live/live.h"

int main(void)
{
	uint64_t value = 0;
	int fd = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	live_must(fd >= 0);
	live_ready();
	for (int i = 0; i < 3; i++)
		live_check(read(fd, &value, sizeof(value)) == sizeof(value) && value == 1,
			   "read %d gave %llu", i, (unsigned long long)value);
	live_check(read(fd, &value, sizeof(value)) < 0 && errno == EAGAIN, "a fourth one");
	live_pass();
}
