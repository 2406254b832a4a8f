/* SPDX-License-Identifier: MIT
 * See dump-again.h.
 */
#include "engine/dump-again.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define DEFAULT_TIMEOUT_MS 10000
#define FIRST_PAUSE_MS     10 /* twice as long each time: 630 ms in all */
#define MAX_PAUSES         6

void again_begin(struct dump *d)
{
	d->deadline_ms =
	    clock_ms() + (d->opts->timeout > 0 ? d->opts->timeout * 1000ll : DEFAULT_TIMEOUT_MS);
}

bool again_wait(const struct dump *d, unsigned nr, const struct error *why)
{
	if (nr >= MAX_PAUSES)
		return false;
	int64_t pause_ms = (int64_t)FIRST_PAUSE_MS << nr;
	if (clock_ms() + pause_ms > d->deadline_ms)
		return false;
	log_info("%s", why->text);
	log_info("that may pass: the tree goes on for %d ms, then it is stopped again",
		 (int)pause_ms);
	nanosleep(&(struct timespec){ .tv_nsec = pause_ms * 1000000 }, NULL);
	return true;
}
