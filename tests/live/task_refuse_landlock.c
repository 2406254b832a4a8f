/* SPDX-License-Identifier: MIT
 * A task restricted by Landlock is refused, as it would come back free.
 * live-refuse: Landlock restricts it
 * live-skip: grep -q landlock_create_ruleset /proc/kallsyms
 */
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

int main(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_BLOCK };
	live_must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	live_must(fd >= 0);
	live_must(syscall(SYS_landlock_restrict_self, fd, 0) == 0);
	close(fd);
	live_ready();
	live_pass();
}
