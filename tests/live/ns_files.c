/* SPDX-License-Identifier: MIT
 * Descriptors of namespaces: of kinds the tree has apart, and of kinds it shares with everybody;
 * duplicated, inherited, O_PATH, of those that children are to be born into; and in them a
 * setns(2).
 * live-unshare: --pid --uts --net --ipc
 */
#include <sched.h>
#include <stdbool.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static const char *const kinds[] = { "pid",  "net",    "ipc",
				     "uts",  "mnt",    "user",
				     "time", "cgroup", "pid_for_children" };
enum { NR = sizeof(kinds) / sizeof(*kinds) };
static int fds[NR];

static int open_kind(const char *kind, int flags)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	return open(path, flags);
}

static bool same(int a, int b)
{
	struct stat sa, sb;
	live_must(fstat(a, &sa) == 0 && fstat(b, &sb) == 0);
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static void check(const char *who)
{
	for (size_t i = 0; i < NR; i++) {
		int now = open_kind(kinds[i], O_RDONLY);
		live_check(now >= 0 ? same(now, fds[i]) : fds[i] < 0, "%s: another %s namespace",
			   who, kinds[i]);
		live_check(fds[i] < 0 || (fcntl(fds[i], F_GETFL) & ~0100000) == O_RDONLY,
			   "%s: flags of %s", who, kinds[i]);
		close(now);
	}
}

int main(void)
{
	struct utsname name;
	int status;
	for (size_t i = 0; i < NR; i++)
		fds[i] = open_kind(kinds[i], O_RDONLY); /* this kernel may not have them all */
	live_must(fds[3] >= 0);
	int path = open_kind("uts", O_PATH), twice = dup(fds[3]);
	live_must(path >= 0 && twice >= 0 && fcntl(twice, F_SETFD, FD_CLOEXEC) == 0);
	live_must(sethostname("inside", 6) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		live_wait();
		check("child");
		_exit(5);
	}
	live_ready();

	check("parent");
	live_check(same(path, fds[3]) && (fcntl(path, F_GETFL) & O_PATH), "O_PATH");
	live_check(same(twice, fds[3]) && fcntl(twice, F_GETFD) == FD_CLOEXEC, "duplicate");
	live_check(unshare(CLONE_NEWUTS) == 0 && sethostname("other", 5) == 0, "unshare: %m");
	live_check(setns(twice, CLONE_NEWUTS) == 0, "setns: %m");
	live_check(uname(&name) == 0 && !strcmp(name.nodename, "inside"), "name %s", name.nodename);
	live_check(waitpid(pid, &status, 0) == pid && status == 5 << 8, "child: %#x", status);
	live_pass();
}
