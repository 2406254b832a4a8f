/* SPDX-License-Identifier: MIT
 * A userfaultfd descriptor, registered for nothing yet.
 * live-refuse: fd 3 is a userfaultfd
 */
#include <linux/userfaultfd.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

int main(void)
{
	live_must(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY) == 3);
	live_ready();
	live_pass();
}
