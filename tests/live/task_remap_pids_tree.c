/* SPDX-License-Identifier: MIT
 * A tree whose pids are all taken gets others: parents, groups, sessions and locks are those of the
 * same processes as before.
 *
 * live-dump: --file-locks
 * live-restore: --file-locks --remap-pids=force
 * live-modes: SS 2S
 * live-between: "$O"/live/task_remap_pids_tree hold $pid $(cat ../tids)
 */
#include "tests/live/remap_pids.h"

#include <sys/mman.h>
#include <sys/wait.h>

static struct shared {
	pid_t now[2];
} * shared;

static int lock_file(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0);
	live_must(fcntl(fd, F_SETLK, &lock) == 0);
	return fd;
}

/* Leads a group, or is in that of its sibling. */
static void child(int i, pid_t group)
{
	live_must(setpgid(0, group) == 0);
	live_wait();
	shared->now[i] = getpid();
	while (!shared->now[0])
		live_sleep_ms(1);
	live_check(getpgrp() == shared->now[0], "child %d is in group %d, want %d", i, getpgrp(),
		   shared->now[0]);
	_exit(i);
}

static pid_t start(int i, pid_t group)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		child(i, group);
	live_must(setpgid(pid, group ? group : pid) == 0);
	return pid;
}

static void check_lock(int fd)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };
		fcntl(fd, F_GETLK, &lock);
		_exit(lock.l_type != F_WRLCK || lock.l_pid != getppid());
	}
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "the lock is not ours");
}

int main(int argc, char **argv)
{
	char text[64];
	hold(argc, argv);
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	live_must(shared != MAP_FAILED);
	int fd = lock_file(live_path("locked"));
	pid_t first = start(0, 0), second = start(1, first);
	snprintf(text, sizeof(text), "%d %d\n", first, second);
	live_say("tids", text);
	pid_t old = getpid();
	live_ready();
	live_check(getpid() != old, "the root still is %d", old);
	live_check(getsid(0) == getpid(), "the session is %d, want %d", getsid(0), getpid());
	check_lock(fd);
	for (int i = 0; i < 2; i++) {
		int status;
		pid_t pid = wait(&status);
		live_check(pid > 0 && pid != first && pid != second, "wait: child %d", pid);
		live_check(WIFEXITED(status) && pid == shared->now[WEXITSTATUS(status)],
			   "child %d ended with %#x", pid, status);
	}
	live_pass();
}
