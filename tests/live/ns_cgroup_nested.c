/* SPDX-License-Identifier: MIT
 * Tasks in cgroup namespaces that are not the root's: one that begins where its task is, and one
 * that begins above that.
 *
 * live-skip: grep -q " - cgroup .*freezer" /proc/self/mountinfo
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/live/cgroups.h"

static _Noreturn void inner(int ready, const char *begins, const char *is, const char *sees)
{
	move(begins);
	live_must(unshare(CLONE_NEWCGROUP) == 0);
	move(is);
	check_group(sees);
	live_must(write(ready, "r", 1) == 1);
	live_wait();
	check_group(sees);
	_exit(0);
}

int main(void)
{
	static const char *const groups[][3] = { { "/a", "/a/b", "/b" }, { "/c", "/c", "/" } };
	char text[2];
	int ready[2], status;
	pid_t pids[2];
	enter_top();
	make_group("/a");
	make_group("/a/b");
	make_group("/c");
	live_must(pipe(ready) == 0);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		live_must(pids[i] >= 0);
		if (pids[i] == 0)
			inner(ready[1], groups[i][0], groups[i][1], groups[i][2]);
		live_must(read(ready[0], text, 1) == 1);
	}

	live_ready();

	for (int i = 0; i < 2; i++)
		live_check(waitpid(pids[i], &status, 0) == pids[i] && status == 0,
			   "inside it ended with %#x", status);
	check_group(top + strlen(FREEZERS));
	remove_groups((const char *const[]){ "/a/b", "/a", "/c", NULL });
	live_pass();
}
