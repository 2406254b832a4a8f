/* SPDX-License-Identifier: MIT
 * Regular files, directories and devices: flags, offsets, what dup and fork share, high numbers.
 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define LARGEFILE 0100000

static int same(int a, int b)
{
	return syscall(SYS_kcmp, getpid(), getpid(), 0, a, b) == 0;
}

static int opened(const char *name, int flags)
{
	int fd = open(live_path(name), flags, 0640);
	live_must(fd >= 0);
	return fd;
}

/* The child moves the offset that it shares, and checks its own descriptors. */
static void child(int shared, int closed_in_child)
{
	char byte;
	close(closed_in_child);
	live_wait();
	live_check(fcntl(closed_in_child, F_GETFD) < 0, "fd %d is open again", closed_in_child);
	live_check(lseek(shared, 0, SEEK_CUR) == 5, "child: offset is %ld",
		   (long)lseek(shared, 0, SEEK_CUR));
	live_check(read(shared, &byte, 1) == 1 && byte == '5', "child read %c", byte);
	_exit(0);
}

static void check_flags(int fd, int want)
{
	int flags = fcntl(fd, F_GETFL);
	live_check(flags == want, "fd %d: flags are %#o, want %#o", fd, flags, want);
}

int main(void)
{
	char buf[16];
	int data = opened("data", O_RDWR | O_CREAT | O_EXCL);
	live_must(write(data, "0123456789", 10) == 10 && lseek(data, 5, SEEK_SET) == 5);
	int twin = dup(data), own = opened("data", O_RDONLY | O_CLOEXEC);
	int log = opened("log", O_WRONLY | O_APPEND | O_CREAT | O_TRUNC);
	int dir = opened(".", O_RDONLY | O_DIRECTORY), path = opened("data", O_PATH);
	int noatime = opened("data", O_RDONLY | O_NONBLOCK | (geteuid() ? 0 : O_NOATIME));
	int noatime_flags = fcntl(noatime, F_GETFL);
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY);
	int full = open("/dev/full", O_WRONLY), random_fd = open("/dev/urandom", O_RDONLY);
	live_must(null >= 0 && zero >= 0 && full >= 0 && random_fd >= 0);
	live_must(dup2(data, 1000) == 1000 && fcntl(1000, F_SETFD, FD_CLOEXEC) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		child(data, own);
	live_ready();

	int status = -1;
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "child ended with %#x", status);
	live_check(lseek(twin, 0, SEEK_CUR) == 6, "the child's read moved to %ld, not 6",
		   (long)lseek(twin, 0, SEEK_CUR));
	live_check(same(data, twin) && same(data, 1000) && !same(data, own),
		   "dup sharing is wrong");
	live_check(lseek(own, 0, SEEK_CUR) == 0, "a second open shares the offset");
	live_check(fcntl(own, F_GETFD) == FD_CLOEXEC && fcntl(data, F_GETFD) == 0 &&
		       fcntl(1000, F_GETFD) == FD_CLOEXEC,
		   "close-on-exec is wrong");
	check_flags(data, O_RDWR | LARGEFILE);
	check_flags(own, O_RDONLY | LARGEFILE);
	check_flags(log, O_WRONLY | O_APPEND | LARGEFILE);
	check_flags(noatime, noatime_flags);
	live_check(fcntl(path, F_GETFL) & O_PATH, "O_PATH is lost");
	live_check(write(log, "one", 3) == 3 && lseek(log, 0, SEEK_SET) == 0 &&
		       write(log, "two", 3) == 3,
		   "write to the log: %s", strerror(errno));
	live_check(read(opened("log", O_RDONLY), buf, 16) == 6 && !memcmp(buf, "onetwo", 6),
		   "appended text is %.6s", buf);
	live_check(openat(dir, "data", O_RDONLY) >= 0, "openat the directory: %s", strerror(errno));
	live_check(read(zero, buf, 4) == 4 && buf[0] == 0 && read(random_fd, buf, 4) == 4,
		   "devices");
	live_check(write(null, buf, 4) == 4 && write(full, buf, 4) < 0 && errno == ENOSPC,
		   "devices");
	live_pass();
}
