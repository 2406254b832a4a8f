/* SPDX-License-Identifier: MIT
 * Files of a process in /proc that were kept open after its end, one of its directories as the
 * current one; a file of pid 1.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static int opened(pid_t pid, const char *name, int flags)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d%s", pid, name);
	int fd = open(path, flags);
	live_must(fd >= 0);
	return fd;
}

static void check(pid_t pid, int fd, const char *name)
{
	char want[64], link[64], text[256];
	snprintf(want, sizeof(want), "/proc/%d%s", pid, name);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	live_check(!strncmp(text, want, strlen(want)), "fd %d is %s, want %s", fd, text, want);
}

int main(void)
{
	char buf[64];
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		live_sleep_ms(1000000);
		_exit(1);
	}
	int status = opened(pid, "/status", O_RDONLY), dir = opened(pid, "", O_RDONLY);
	int stat = opened(pid, "/stat", O_RDONLY);
	int init = opened(1, "/status", O_RDONLY);
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d", pid);
	live_must(chdir(path) == 0);
	live_must(kill(pid, 9) == 0 && waitpid(pid, NULL, 0) == pid);
	live_ready();
	check(pid, status, "/status");
	check(pid, stat, "/stat");
	check(pid, dir, "");
	live_check(pread(status, buf, 64, 0) < 0 && errno == ESRCH, "status of a dead process: %s",
		   strerror(errno));
	live_check(openat(dir, "stat", O_RDONLY) < 0, "its directory has files");
	live_check(!getcwd(buf, sizeof(buf)) && errno == ENOENT, "the current directory is there");
	live_check(pread(init, buf, 5, 0) == 5 && !memcmp(buf, "Name:", 5), "status of pid 1");
	live_pass();
}
