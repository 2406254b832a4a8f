/* SPDX-License-Identifier: MIT
 * A cgroup namespace that only a descriptor leads to, and that begins where no task is.
 *
 * live-skip: grep -q " - cgroup .*freezer" /proc/self/mountinfo
 * live-refuse: so where it begins cannot be told: close it before the dump
 */
#include <sched.h>

#include "tests/live/cgroups.h"

int main(void)
{
	enter_top();
	make_group("/a");
	move("/a");
	int home = open("/proc/self/ns/cgroup", O_RDONLY);
	live_must(home >= 0 && unshare(CLONE_NEWCGROUP) == 0);
	live_must(open("/proc/self/ns/cgroup", O_RDONLY) >= 0);
	live_must(setns(home, CLONE_NEWCGROUP) == 0 && close(home) == 0);
	move("");

	live_ready();

	remove_groups((const char *const[]){ "/a", NULL });
	live_pass();
}
