/* SPDX-License-Identifier: MIT
 * System calls that are dispatched to a signal handler, as Wine does for those of Windows programs:
 * nothing could be asked from inside.
 * live-refuse: PR_SET_SYSCALL_USER_DISPATCH
 * live-skip: [ "$(uname -r | cut -d. -f1)" -gt 6 ] || [ "$(uname -r | cut -d. -f2)" -ge 4 ]
 */
#include <sys/prctl.h>

#include "tests/live/live.h"

int main(void)
{
	static char selector; /* allowed: SYSCALL_DISPATCH_FILTER_ALLOW */
	live_must(prctl(59, 1, 0, 0, &selector) == 0);
	live_ready();
	live_pass();
}
