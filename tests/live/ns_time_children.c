/* SPDX-License-Identifier: MIT
 * A task whose children live in another time namespace than itself: one that it has already, and
 * one that comes later.
 *
 * live-skip: unshare -T true
 * live-modes: SS RR 2S
 */
#include <sys/wait.h>

#include "tests/live/timens.h"

static void check_clock(const char *who, double before)
{
	double is = timens_now(CLOCK_BOOTTIME);
	live_check(is >= before && is < before + 60, "%s: it is %f, was %f", who, is, before);
}

static ino_t inode(const char *path)
{
	struct stat st;
	live_must(stat(path, &st) == 0);
	return st.st_ino;
}

/* @param same  it is where the later children are; @param before  0: as it is now */
static pid_t start(int ready, int same, double before)
{
	char path[64];
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid > 0)
		return pid;
	if (!before)
		before = timens_now(CLOCK_BOOTTIME);
	live_must(write(ready, "r", 1) == 1);
	live_wait();
	check_clock("child", before);
	snprintf(path, sizeof(path), "/proc/%d/ns/time_for_children", getppid());
	live_check((inode("/proc/self/ns/time") == inode(path)) == same, "a child is elsewhere");
	live_check(inode("/proc/self/ns/time") == inode("/proc/self/ns/time_for_children"),
		   "a child is not where its children would be");
	_exit(0);
}

static void await(pid_t pid)
{
	int status;
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "a child ended with %#x",
		   status);
}

int main(void)
{
	char text[2];
	int ready[2];
	live_must(pipe(ready) == 0);
	pid_t first = start(ready[1], 0, 0);
	timens_make("monotonic 1000 0\nboottime 5000000 0\n");
	pid_t second = start(ready[1], 1, 0);
	live_must(read(ready[0], text, 1) == 1 && read(ready[0], text, 1) == 1);
	double before = timens_now(CLOCK_BOOTTIME);

	live_ready();

	check_clock("here", before);
	live_check(inode("/proc/self/ns/time") != inode("/proc/self/ns/time_for_children"),
		   "this one is in that of its children");
	await(first);
	await(second);
	await(start(ready[1], 1, before + 5000000));
	live_pass();
}
