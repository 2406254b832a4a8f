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

#include "tests/live/live.h"

static char top[128]; /* the group of the test, in the hierarchy of freezers */

static void make_group(const char *below)
{
	char path[256];
	snprintf(path, sizeof(path), "%s%s", top, below);
	live_must(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static void move(const char *below)
{
	char path[256];
	snprintf(path, sizeof(path), "%s%s/cgroup.procs", top, below);
	int fd = open(path, O_WRONLY);
	live_must(fd >= 0 && write(fd, "0", 1) == 1);
	close(fd);
}

static void check_group(const char *want)
{
	char line[256], found[256] = "";
	FILE *f = fopen("/proc/self/cgroup", "r");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, ":freezer:"))
			snprintf(found, sizeof(found), "%s", strstr(line, ":freezer:") + 9);
	if (f)
		fclose(f);
	found[strcspn(found, "\n")] = 0;
	live_check(!strcmp(found, want), "it sees itself in %s, want %s", found, want);
}

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

/* Nobody is in them any more. */
static void clean_up(void)
{
	static const char *const groups[] = { "/a/b", "/a", "/c", "" };
	char path[256];
	move("/..");
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", top, groups[i]);
		rmdir(path);
	}
}

int main(void)
{
	static const char *const groups[][3] = { { "/a", "/a/b", "/b" }, { "/c", "/c", "/" } };
	char text[2];
	int ready[2], status;
	pid_t pids[2];
	snprintf(top, sizeof(top), "/sys/fs/cgroup/freezer/live-%d", getpid());
	make_group("");
	make_group("/a");
	make_group("/a/b");
	make_group("/c");
	move("");
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
	check_group(top + strlen("/sys/fs/cgroup/freezer"));
	clean_up();
	live_pass();
}
