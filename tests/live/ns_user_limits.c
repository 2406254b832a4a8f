/* SPDX-License-Identifier: MIT
 * Limits of a user namespace and of a pid namespace are as they were, and those that nobody has
 * changed are as in new ones.
 * live-modes: SS RR 2S
 * live-user: mapped
 * live-unshare: --pid --ipc
 * live-skip: unshare --user true
 */
#include "tests/live/live.h"

static int set(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int done = fd >= 0 && write(fd, text, strlen(text)) > 0;
	close(fd);
	return done;
}

static void check(const char *path, const char *want)
{
	char now[32] = "";
	int fd = open(path, O_RDONLY);
	live_check(fd >= 0 && read(fd, now, sizeof(now) - 1) > 0, "%s: %s", path, strerror(errno));
	now[strcspn(now, "\n")] = 0;
	live_check(!strcmp(now, want), "%s is %s, want %s", path, now, want);
	close(fd);
}

int main(void)
{
	live_must(set("/proc/sys/user/max_net_namespaces", "77"));
	live_must(set("/proc/sys/user/max_inotify_watches", "555"));
	/* one of the machine before Linux 6.14, which root of a user namespace may not set */
	int pids = set("/proc/sys/kernel/pid_max", "5000");

	live_ready();

	check("/proc/sys/user/max_net_namespaces", "77");
	check("/proc/sys/user/max_inotify_watches", "555");
	check("/proc/sys/user/max_uts_namespaces", "2147483647");
	if (pids)
		check("/proc/sys/kernel/pid_max", "5000");
	live_pass();
}
