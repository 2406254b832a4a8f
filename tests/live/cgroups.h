/* SPDX-License-Identifier: MIT
 * Control groups of live tests, in the hierarchy of freezers.
 */
#pragma once

#include "tests/live/live.h"

#define FREEZERS "/sys/fs/cgroup/freezer"

static char top[128]; /* the group of the test */

static inline void make_group(const char *below)
{
	char path[256];
	snprintf(path, sizeof(path), "%s%s", top, below);
	live_must(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static inline void move(const char *below)
{
	char path[256];
	snprintf(path, sizeof(path), "%s%s/cgroup.procs", top, below);
	int fd = open(path, O_WRONLY);
	live_must(fd >= 0 && write(fd, "0", 1) == 1);
	close(fd);
}

static inline void check_group(const char *want)
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

/** The group of the test, with this process in it. */
static inline void enter_top(void)
{
	snprintf(top, sizeof(top), FREEZERS "/live-%d", getpid());
	make_group("");
	move("");
}

/** Groups that nobody is in, and the test's own. @param below  the innermost first, up to NULL */
static inline void remove_groups(const char *const *below)
{
	char path[256];
	move("/..");
	for (; *below; below++) {
		snprintf(path, sizeof(path), "%s%s", top, *below);
		rmdir(path);
	}
	rmdir(top);
}
