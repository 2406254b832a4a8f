/* SPDX-License-Identifier: MIT
 * A cgroup namespace that only a descriptor leads to, and that begins above the task's group.
 *
 * live-skip: grep -q " - cgroup .*freezer" /proc/self/mountinfo
 * live-modes: SS RR 2S
 */
#include <sched.h>

#include "tests/live/cgroups.h"
#include "tests/live/namespaces.h"

int main(void)
{
	enter_top();
	make_group("/a");
	make_group("/a/b");
	move("/a");
	int home = ns_open_own("cgroup");
	live_must(unshare(CLONE_NEWCGROUP) == 0);
	int held = ns_open_own("cgroup");
	live_must(setns(home, CLONE_NEWCGROUP) == 0 && close(home) == 0);
	move("/a/b");

	live_ready();

	live_check(setns(held, CLONE_NEWCGROUP) == 0, "setns: %s", strerror(errno));
	check_group("/b");
	remove_groups((const char *const[]){ "/a/b", "/a", NULL });
	live_pass();
}
