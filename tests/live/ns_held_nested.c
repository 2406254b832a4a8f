/* SPDX-License-Identifier: MIT
 * Namespaces that only descriptors lead to, in a user namespace that a task is in: one of users
 * inside of it, of hosts, messages and networks that belong to it.
 */
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

#define INSIDE 500 /* who is root there */

static void enter_new(const char *uids, const char *gids)
{
	live_must(unshare(CLONE_NEWUSER) == 0);
	prctl(PR_SET_DUMPABLE, 1);
	ns_write("/proc/self/setgroups", "deny");
	ns_write("/proc/self/uid_map", uids);
	ns_write("/proc/self/gid_map", gids);
}

/* @return the number of who has told, as /proc has it */
static pid_t await(int line)
{
	pid_t pid = 0;
	live_must(read(line, &pid, sizeof(pid)) == sizeof(pid));
	return pid;
}

static void tell_and_wait(int line, int end)
{
	char text[16] = "", c;
	live_must(readlink("/proc/self", text, sizeof(text) - 1) > 0);
	pid_t pid = atoi(text);
	live_must(write(line, &pid, sizeof(pid)) == sizeof(pid) && read(end, &c, 1) == 1);
}

/* Two that end before the dump, and one that stays. */
static _Noreturn void inside(int line, int end, int last)
{
	live_must(setresgid(INSIDE, INSIDE, INSIDE) == 0 && setresuid(INSIDE, INSIDE, INSIDE) == 0);
	enter_new("0 500 1", "0 500 1");
	pid_t one = fork();
	if (one == 0) {
		live_must(unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) == 0);
		live_must(sethostname("held", 4) == 0);
		tell_and_wait(line, end);
		_exit(0);
	}
	pid_t two = fork();
	if (two == 0) {
		enter_new("7 0 1", "9 0 1");
		tell_and_wait(line, end);
		_exit(0);
	}
	live_must(waitpid(one, NULL, 0) == one && waitpid(two, NULL, 0) == two);
	tell_and_wait(line, last);
	tell_and_wait(line, last);
	_exit(0);
}

static void check_belongs(int fd, ino_t users, const char *what)
{
	live_check(ns_number(ioctl(fd, NS_GET_USERNS)) == users, "%s belongs to another", what);
}

static void check_host(int users, int uts)
{
	char name[65] = "";
	live_must(setns(users, CLONE_NEWUSER) == 0);
	live_check(setns(uts, CLONE_NEWUTS) == 0, "enter it: %s", strerror(errno));
	live_check(gethostname(name, sizeof(name)) == 0 && !strcmp(name, "held"), "the host is %s",
		   name);
}

static void check_id(int users)
{
	live_check(setns(users, CLONE_NEWUSER) == 0, "enter the inner: %s", strerror(errno));
	live_check(getuid() == 65534 && setresuid(7, 7, 7) == 0 && setresgid(9, 9, 9) == 0,
		   "nobody is user 7: %s", strerror(errno));
}

int main(void)
{
	static const char *const names[] = { "uts", "ipc", "net" };
	int line[2], end[2], last[2], fds[3], users = -1, status;
	uid_t owner;
	live_must(pipe(line) == 0 && pipe(end) == 0 && pipe(last) == 0);
	pid_t pid = fork();
	if (pid == 0)
		inside(line[1], end[0], last[0]);
	for (int i = 0; i < 2; i++) {
		pid_t other = await(line[0]);
		int host = ns_open_of(other, "uts"), own = open("/proc/self/ns/uts", O_RDONLY);
		if (ns_number(host) == ns_number(own))
			users = ns_open_of(other, "user");
		for (int k = 0; k < 3 && ns_number(host) != ns_number(own); k++)
			fds[k] = ns_open_of(other, names[k]);
		close(host);
		close(own);
	}
	live_must(write(end[1], "ee", 2) == 2);
	await(line[0]);

	live_ready();

	live_must(write(last[1], "t", 1) == 1);
	pid = await(line[0]); /* by another number */

	int around = ns_open_of(pid, "user");
	for (int k = 0; k < 3; k++)
		check_belongs(fds[k], ns_number(around), names[k]);
	live_check(ns_number(ioctl(users, NS_GET_PARENT)) == ns_number(around), "it is elsewhere");
	live_check(ioctl(users, NS_GET_OWNER_UID, &owner) == 0 && owner == INSIDE, "it is %u's",
		   owner);
	pid_t host = fork();
	if (host == 0) {
		check_host(around, fds[0]);
		check_id(users);
		_exit(0);
	}
	live_check(waitpid(host, &status, 0) == host && status == 0, "inside: %#x", status);
	live_check(write(last[1], "e", 1) == 1 && waitpid(-1, &status, 0) > 0 && status == 0,
		   "who stayed: %#x", status);
	live_pass();
}
