/* SPDX-License-Identifier: MIT
 * Descriptors of mount namespaces: a task's own, that of its child, which is in another one, and in
 * the child that of its parent.
 *
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[/dev/shm]:shm
 * live-restore: --external mnt[shm]:/dev/shm --root /
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "tests/live/live.h"

static int open_ns(pid_t pid)
{
	char path[48];
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	int fd = open(path, O_RDONLY);
	live_must(fd >= 0);
	return fd;
}

static bool is_of(int fd, pid_t pid)
{
	struct stat held, now;
	char path[48];
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	live_must(fstat(fd, &held) == 0 && stat(path, &now) == 0);
	return held.st_ino == now.st_ino;
}

static void child(int ready, int go)
{
	char byte = 0;
	live_must(unshare(CLONE_NEWNS) == 0);
	int up = open_ns(getppid()), own = open_ns(getpid());
	live_must(write(ready, &byte, 1) == 1 && read(go, &byte, 1) == 1);
	byte = (char)(is_of(up, getppid()) + 2 * is_of(own, getpid()));
	live_must(write(ready, &byte, 1) == 1);
	_exit(0);
}

int main(void)
{
	int up[2], down[2];
	char byte;
	live_must(pipe(up) == 0 && pipe(down) == 0);
	pid_t pid = fork();
	if (pid == 0)
		child(up[1], down[0]);
	live_must(pid > 0 && read(up[0], &byte, 1) == 1);
	int below = open_ns(pid), own = open_ns(getpid());
	live_must(!is_of(below, getpid()));

	live_ready();

	live_check(is_of(own, getpid()), "its own namespace is another one");
	live_check(is_of(below, pid) && !is_of(below, getpid()),
		   "that of the child is another one");
	live_must(write(down[1], &byte, 1) == 1 && read(up[0], &byte, 1) == 1);
	live_check(byte == 3, "in the child: %d", byte);
	live_pass();
}
