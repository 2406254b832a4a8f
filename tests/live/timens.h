/* SPDX-License-Identifier: MIT
 * Time namespaces of live tests.
 */
#pragma once

#include <sched.h>
#include <time.h>

#include "tests/live/live.h"

static inline double timens_now(clockid_t clock)
{
	struct timespec ts;
	live_must(clock_gettime(clock, &ts) == 0);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/** Make one for the children to come. @param offsets  "monotonic SEC NSEC\nboottime SEC NSEC\n" */
static inline void timens_make(const char *offsets)
{
	live_must(unshare(CLONE_NEWTIME) == 0);
	int fd = open("/proc/self/timens_offsets", O_WRONLY);
	live_must(fd >= 0 && write(fd, offsets, strlen(offsets)) == (ssize_t)strlen(offsets));
	close(fd);
}

/** The same, and go into it. */
static inline void timens_enter(const char *offsets)
{
	timens_make(offsets);
	int fd = open("/proc/self/ns/time_for_children", O_RDONLY);
	live_must(fd >= 0 && setns(fd, CLONE_NEWTIME) == 0);
	close(fd);
}
