/* SPDX-License-Identifier: MIT
 * A pidfd of a process outside of the tree is refused, naming it.
 * live-refuse: is a pidfd of process 1, which is not in the tree
 */
#include <sys/syscall.h>

#include "tests/live/live.h"

int main(void)
{
	live_must(syscall(SYS_pidfd_open, 1, 0) >= 0);
	live_ready();
	live_pass();
}
