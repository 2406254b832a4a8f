/* SPDX-License-Identifier: MIT
 * A task whose children would live in another time namespace than itself.
 * live-refuse: has a time namespace for its children
 * live-skip: unshare -T true
 */
#include <sched.h>

#include "tests/live/live.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

int main(void)
{
	live_must(unshare(CLONE_NEWTIME) == 0);
	live_ready();
	live_pass();
}
