/* SPDX-License-Identifier: MIT
 * Files of the tasks themselves in /proc: of the task, of its child, shared with it, as a
 * directory.
 */
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

static void check_stat(int fd, pid_t pid)
{
	char buf[32];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);
	live_check(n > 0, "read the stat of %d: %s", pid, strerror(errno));
	buf[n] = 0;
	live_check(atoi(buf) == pid, "the stat of %d says %s", pid, buf);
}

static void child(int shared, pid_t parent)
{
	live_wait();
	check_stat(shared, parent);
	live_check(lseek(shared, 0, SEEK_CUR) == 3, "the child's offset is %ld",
		   (long)lseek(shared, 0, SEEK_CUR));
	live_check(lseek(shared, 5, SEEK_SET) == 5, "seek");
	_exit(0);
}

int main(void)
{
	static const char text[] = "seen through /proc";
	char buf[32], cwd[64];
	int shared = opened(getpid(), "/stat", O_RDONLY);
	live_must(read(shared, buf, 3) == 3);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		child(shared, getppid());
	int other = opened(pid, "/stat", O_RDONLY), dir = opened(pid, "", O_RDONLY | O_DIRECTORY);
	int mem = opened(getpid(), "/mem", O_RDWR), tasks = opened(getpid(), "/task", O_RDONLY);
	live_must(chdir("/proc/self/fd") == 0);
	live_ready();
	check_stat(other, pid);
	check_stat(openat(dir, "stat", O_RDONLY), pid);
	check_stat(openat(tasks, "../stat", O_RDONLY), getpid());
	live_check(pread(mem, buf, sizeof(text), (off_t)(unsigned long)text) == sizeof(text) &&
		       !strcmp(buf, text),
		   "memory of the task: %s", strerror(errno));
	live_check(getcwd(cwd, sizeof(cwd)) && atoi(cwd + 6) == getpid(), "cwd is %s", cwd);
	int status = -1;
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "child ended with %#x", status);
	live_check(lseek(shared, 0, SEEK_CUR) == 5, "the offset is no more shared: %ld",
		   (long)lseek(shared, 0, SEEK_CUR));
	live_pass();
}
