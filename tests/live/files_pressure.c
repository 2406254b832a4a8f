/* SPDX-License-Identifier: MIT
 * A trigger of pressure: what it was set to nobody knows, but it is one, and waiting for it waits.
 * live-skip: test -w /proc/pressure/cpu
 */
#include <poll.h>

#include "tests/live/live.h"

int main(void)
{
	static const char trigger[] = "some 10000000 10000000";
	int fd = open("/proc/pressure/cpu", O_RDWR | O_NONBLOCK);
	live_must(fd >= 0 && write(fd, trigger, sizeof(trigger)) > 0);
	int unset = open("/proc/pressure/cpu", O_RDONLY);
	live_must(unset >= 0);
	live_ready();
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	int n = 1;
	for (int i = 0; n != 0 && i < 3; i++) /* a new one may speak once */
		n = poll(&p, 1, 200);
	live_check(n == 0, "poll gives %d, events %#x", n, p.revents);
	live_check(write(fd, trigger, sizeof(trigger)) < 0 && errno == EBUSY, "no trigger is set");
	p.fd = unset;
	live_check(poll(&p, 1, 0) == 1 && p.revents & POLLERR, "who only reads has a trigger");
	live_pass();
}
