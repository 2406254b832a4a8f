/* SPDX-License-Identifier: MIT
 * An eventfd is refused, and keeps its count.
 * live-refuse: is an eventfd
 */
#include <sys/eventfd.h>

#include "tests/live/live.h"

int main(void)
{
	eventfd_t count = 0;
	int fd = eventfd(7, 0);
	live_must(fd >= 0);
	live_ready();
	live_check(eventfd_read(fd, &count) == 0 && count == 7, "the count is %d", (int)count);
	live_pass();
}
