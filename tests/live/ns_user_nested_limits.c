/* SPDX-License-Identifier: MIT
 * Limits of user namespaces inside of the tree's: of one that a task is in, and of one that only a
 * descriptor leads to.
 *
 * live-skip: unshare --user true
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

#define NETS  "/proc/sys/user/max_net_namespaces"
#define HOSTS "/proc/sys/user/max_uts_namespaces"

static void check(const char *path, const char *want)
{
	char now[32] = "";
	int fd = ns_open(path);
	live_check(read(fd, now, sizeof(now) - 1) > 0, "%s: %s", path, strerror(errno));
	now[strcspn(now, "\n")] = 0;
	live_check(!strcmp(now, want), "%s is %s, want %s", path, now, want);
	close(fd);
}

/* @return one in a user namespace with a limit, as /proc has it */
static pid_t start(int up, int down, const char *limit, pid_t *child)
{
	char c;
	pid_t pid = 0, own;
	int line[2];
	live_must(pipe(line) == 0 && (pid = fork()) >= 0);
	if (pid == 0) {
		live_must(unshare(CLONE_NEWUSER) == 0);
		ns_write(NETS, limit);
		own = ns_own_pid();
		live_must(write(line[1], &own, sizeof(own)) == sizeof(own));
		live_must(read(down, &c, 1) == 1);
		check(NETS, limit);
		check(HOSTS, "2147483647");
		live_must(write(up, "r", 1) == 1);
		_exit(0);
	}
	live_must(read(line[0], &own, sizeof(own)) == sizeof(own));
	close(line[0]);
	close(line[1]);
	*child = pid;
	return own;
}

int main(void)
{
	int up[2], down[2];
	char c;
	pid_t pid, other;
	live_must(pipe(up) == 0 && pipe(down) == 0);
	int held = ns_open_of(start(up[1], down[0], "44", &other), "user");
	live_must(kill(other, SIGKILL) == 0 && waitpid(other, NULL, 0) == other);
	start(up[1], down[0], "55", &pid);

	live_ready();

	live_must(write(down[1], "g", 1) == 1);
	live_check(read(up[0], &c, 1) == 1 && waitpid(pid, NULL, 0) == pid, "it has ended");
	live_check(setns(held, CLONE_NEWUSER) == 0, "setns: %s", strerror(errno));
	check(NETS, "44");
	live_pass();
}
