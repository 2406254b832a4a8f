/* SPDX-License-Identifier: MIT
 * The largest pid of a pid namespace inside of the tree's, in a user namespace of its own.
 *
 * live-skip: unshare --user true
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

#define LARGEST "/proc/sys/kernel/pid_max"

struct text {
	char is[32];
};

static struct text largest(void)
{
	struct text t = { "" };
	int fd = ns_open(LARGEST);
	live_check(read(fd, t.is, sizeof(t.is) - 1) > 0, "read: %s", strerror(errno));
	close(fd);
	return t;
}

/* @return whether it could: before Linux 6.14 it is one of the machine */
static int set_largest(const char *text)
{
	int fd = open(LARGEST, O_WRONLY);
	int done = fd >= 0 && write(fd, text, strlen(text)) > 0;
	close(fd);
	return done;
}

static _Noreturn void inner(int up, int down)
{
	char c;
	int status, set = set_largest("400\n");
	live_must(getpid() == 1 && write(up, "r", 1) == 1 && read(down, &c, 1) == 1);
	live_check(!set || !strcmp(largest().is, "400\n"), "the largest is %s", largest().is);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	live_check(pid > 1 && pid < 400 && waitpid(pid, &status, 0) == pid && status == 0,
		   "the next is %d", pid);
	_exit(0);
}

int main(void)
{
	int up[2], down[2], status;
	char c;
	struct text before = largest();
	live_must(pipe(up) == 0 && pipe(down) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		live_must(unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0);
		ns_write("/proc/self/setgroups", "deny");
		ns_write("/proc/self/uid_map", "0 0 1");
		ns_write("/proc/self/gid_map", "0 0 1");
		pid_t first = fork();
		if (first == 0)
			inner(up[1], down[0]);
		live_check(waitpid(first, &status, 0) == first && status == 0, "inside: %#x",
			   status);
		_exit(0);
	}
	live_must(read(up[0], &c, 1) == 1);

	live_ready();

	live_check(!strcmp(largest().is, before.is), "here it is %s, was %s", largest().is,
		   before.is);
	live_must(write(down[1], "g", 1) == 1);
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "it ended: %#x", status);
	live_pass();
}
