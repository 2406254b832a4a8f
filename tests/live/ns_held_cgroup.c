/* SPDX-License-Identifier: MIT
 * A cgroup namespace that only a descriptor leads to, and that begins above the task's group.
 *
 * live-skip: grep -q " - cgroup .*freezer" /proc/self/mountinfo
 * live-modes: SS RR 2S
 */
#include <sched.h>

#include "tests/live/cgroups.h"

static int here(void)
{
	int fd = open("/proc/self/ns/cgroup", O_RDONLY);
	live_must(fd >= 0);
	return fd;
}

int main(void)
{
	enter_top();
	make_group("/a");
	make_group("/a/b");
	move("/a");
	int home = here();
	live_must(unshare(CLONE_NEWCGROUP) == 0);
	int held = here();
	live_must(setns(home, CLONE_NEWCGROUP) == 0 && close(home) == 0);
	move("/a/b");

	live_ready();

	live_check(setns(held, CLONE_NEWCGROUP) == 0, "setns: %s", strerror(errno));
	check_group("/b");
	remove_groups((const char *const[]){ "/a/b", "/a", NULL });
	live_pass();
}
