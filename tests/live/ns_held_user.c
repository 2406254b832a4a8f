/* SPDX-License-Identifier: MIT
 * User namespaces that only descriptors lead to: one of another user, with maps of every kind, one
 * inside of it, one in between that nothing leads to but what is inside of it, one without maps.
 *
 * live-skip: unshare --user true
 * live-modes: SS RR 2S
 */
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

#define OWNER 7
#ifndef PROJECTS /* as written, and as read; who has none mapped can map none */
#define PROJECTS     "3 4 5\n"
#define PROJECTS_NOW "         3          4          5\n"
#endif

/* @param from  a user namespace to write it from; -1: this one */
static void put(pid_t pid, int from, const char *name, const char *text)
{
	char path[48];
	int status;
	pid_t writer = fork();
	if (writer == 0) {
		if (!*text)
			_exit(0);
		live_must(from < 0 || setns(from, CLONE_NEWUSER) == 0);
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
		int fd = open(path, O_WRONLY);
		live_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
		_exit(0);
	}
	live_must(waitpid(writer, &status, 0) == writer && status == 0);
}

static void check_text(const char *name, const char *want)
{
	char path[48], text[256];
	snprintf(path, sizeof(path), "/proc/self/%s", name);
	int fd = open(path, O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text) - 1);
	live_must(fd >= 0 && len >= 0 && close(fd) == 0);
	text[len] = 0;
	live_check(!strcmp(text, want), "%s is %s", name, text);
}

struct child {
	int up, down; /* pipes */
	pid_t pid;    /* as ns_own_pid() */
};

/* A child that makes one, and more whenever it is told to. */
static struct child child_new(uid_t owner)
{
	int up[2], down[2];
	char byte = 0;
	live_must(pipe(up) == 0 && pipe(down) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		pid = ns_own_pid();
		close(down[1]);
		live_must(setresuid((uid_t)-1, owner, (uid_t)-1) == 0);
		do
			live_must(unshare(CLONE_NEWUSER) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0 &&
				  write(up[1], &pid, sizeof(pid)) == sizeof(pid));
		while (read(down[0], &byte, 1) == 1);
		_exit(0);
	}
	live_must(pid > 0 && close(up[1]) == 0 && close(down[0]) == 0);
	live_must(read(up[0], &pid, sizeof(pid)) == sizeof(pid));
	return (struct child){ up[0], down[1], pid };
}

static void child_again(const struct child *c)
{
	pid_t pid;
	live_must(write(c->down, "", 1) == 1 && read(c->up, &pid, sizeof(pid)) == sizeof(pid));
}

static void child_end(const struct child *c)
{
	close(c->up);
	close(c->down);
	live_must(wait(NULL) > 0);
}

static uid_t owner(int fd)
{
	uid_t uid;
	live_must(ioctl(fd, NS_GET_OWNER_UID, &uid) == 0);
	return uid;
}

static int around(int fd)
{
	int up = ioctl(fd, NS_GET_PARENT);
	live_must(up >= 0);
	return up;
}

/* In a child: what one says of itself. */
static void check_inside(int fd, const char *uids, const char *gids, const char *projects,
			 const char *groups)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		live_check(setns(fd, CLONE_NEWUSER) == 0, "setns: %s", strerror(errno));
		check_text("uid_map", uids);
		check_text("gid_map", gids);
		check_text("projid_map", projects);
		check_text("setgroups", groups);
		_exit(0);
	}
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "the child: %x", status);
}

int main(void)
{
	struct child c = child_new(OWNER);
	put(c.pid, -1, "uid_map", "0 0 10\n10 500 5\n");
	put(c.pid, -1, "gid_map", "0 0 1000\n");
	put(c.pid, -1, "projid_map", PROJECTS);
	int mapped = ns_open_of(c.pid, "user");
	child_again(&c);
	put(c.pid, mapped, "uid_map", "0 0 10");
	put(c.pid, mapped, "gid_map", "3 0 20");
	int between = ns_open_of(c.pid, "user");
	child_again(&c);
	put(c.pid, between, "setgroups", "deny");
	put(c.pid, between, "uid_map", "1 2 3");
	put(c.pid, between, "gid_map", "5 6 7");
	int inner = ns_open_of(c.pid, "user");
	child_end(&c);
	close(between); /* still around the inner one */
	c = child_new(0);
	int empty = ns_open_of(c.pid, "user"), again = ns_open_of(c.pid, "user");
	child_end(&c);

	live_ready();

	int own = ns_open_own("user");
	between = around(inner);
	live_check(ns_number(empty) == ns_number(again) && ns_number(empty) != ns_number(mapped),
		   "which is which");
	live_check(ns_number(around(mapped)) == ns_number(own) &&
		       ns_number(around(empty)) == ns_number(own),
		   "they are in another");
	live_check(ns_number(around(between)) == ns_number(mapped), "the inner one is in another");
	live_check(owner(mapped) == OWNER && owner(between) == OWNER && owner(inner) == OWNER,
		   "they are of user %u, %u, %u", owner(mapped), owner(between), owner(inner));
	live_check(owner(empty) == 0, "it is of user %u", owner(empty));
	check_inside(mapped, "         0          0         10\n        10        500          5\n",
		     "         0          0       1000\n", PROJECTS_NOW, "allow\n");
	check_inside(between, "         0          0         10\n",
		     "         3          0         20\n", "", "allow\n");
	check_inside(inner, "         1          2          3\n",
		     "         5          6          7\n", "", "deny\n");
	check_inside(empty, "", "", "", "allow\n");
	live_pass();
}
