/* SPDX-License-Identifier: MIT
 * The execution domain: flags that programs such as setarch set. CRIU 4.2 stores the
 * hexadecimal number of /proc as a decimal one and restores none.
 * live-modes: SS RR 2S
 */
#include <sys/personality.h>

#include "tests/live/live.h"

int main(void)
{
	const int want = ADDR_NO_RANDOMIZE | UNAME26;
	live_must(personality(want) != -1);
	live_ready();
	live_check(personality(0xffffffff) == want, "personality is %#x, was %#x",
		   personality(0xffffffff), want);
	live_pass();
}
