/* SPDX-License-Identifier: MIT
 * The smallest thing there is: one static process, one counter, no more.
 * live-link: static
 */
#include "tests/live/live.h"

static volatile int counter = 42;

int main(void)
{
	int on_stack = 7;
	live_ready();
	live_check(counter == 42, "counter is %d", counter);
	live_check(on_stack == 7, "local variable is %d", on_stack);
	live_pass();
}
