/* SPDX-License-Identifier: MIT
 * A task two user namespaces deep, nobody is in the one between; and one that only a descriptor
 * leads to.
 */
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

static void go_inside(uid_t id_inside)
{
	char text[32];
	uid_t uid = getuid();
	live_must(unshare(CLONE_NEWUSER) == 0);
	snprintf(text, sizeof(text), "%u %u 1", id_inside, uid);
	ns_write("/proc/self/setgroups", "deny");
	ns_write("/proc/self/uid_map", text);
	ns_write("/proc/self/gid_map", text);
}

static void check_map(uid_t inside, uid_t outside)
{
	unsigned a, b, count;
	FILE *f = fopen("/proc/self/uid_map", "re");
	live_check(f && fscanf(f, "%u %u %u", &a, &b, &count) == 3 && a == inside && b == outside,
		   "the map is another");
	fclose(f);
}

static _Noreturn void inner(int ready, int back)
{
	char c;
	go_inside(3);
	go_inside(7);
	live_must(write(ready, "r", 1) == 1 && read(back, &c, 1) == 1);
	live_check(getuid() == 7, "it is %u", getuid());
	check_map(7, 3);
	live_check(write(ready, "r", 1) == 1 && read(back, &c, 1) == 1, "the other has gone");
	_exit(0);
}

static int open_other(const int ready[2])
{
	char c, path[48];
	pid_t pid = fork();
	if (pid == 0) {
		go_inside(9);
		live_must(write(ready[1], "r", 1) == 1);
		pause();
	}
	live_must(read(ready[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	int fd = open(path, O_RDONLY);
	live_must(fd >= 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	return fd;
}

int main(void)
{
	int ready[2], back[2], status;
	char c, path[48];
	live_must(pipe(ready) == 0 && pipe(back) == 0);
	int held = open_other(ready);
	pid_t pid = fork();
	if (pid == 0)
		inner(ready[1], back[0]);
	live_must(read(ready[0], &c, 1) == 1);

	live_ready();

	int home = open("/proc/self/ns/user", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	live_check(write(back[1], "x", 1) == 1 && read(ready[0], &c, 1) == 1, "it has gone");
	int deep = open(path, O_RDONLY), between = ioctl(deep, NS_GET_PARENT);
	live_check(ns_number(deep) != ns_number(between) && ns_number(between) != ns_number(home) &&
		       ns_number(ioctl(between, NS_GET_PARENT)) == ns_number(home),
		   "they are not inside of each other");
	live_check(ns_number(ioctl(held, NS_GET_PARENT)) == ns_number(home),
		   "the other is elsewhere");
	live_check(write(back[1], "x", 1) == 1 && waitpid(pid, &status, 0) == pid && !status,
		   "it ended with %#x", status);
	live_check(setns(held, CLONE_NEWUSER) == 0, "enter the other: %s", strerror(errno));
	check_map(9, 0);
	live_pass();
}
