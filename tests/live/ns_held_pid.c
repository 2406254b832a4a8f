/* SPDX-License-Identifier: MIT
 * Pid namespaces whose tasks are dead: two that descriptors lead to, one inside of the other,
 * two whose pid 1 is a zombie (one was killed), and those that the children of this task and of a
 * child of it would be born into.
 *
 * live-modes: SS RR 2S
 */
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

static int stop[2]; /* a pipe, whose bytes end a pid 1 each */

static ino_t around(int fd)
{
	int up = ioctl(fd, NS_GET_PARENT);
	live_check(up >= 0, "NS_GET_PARENT: %s", strerror(errno));
	return ns_number(up);
}

static void end(pid_t pid)
{
	int status;
	live_must(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

/**
 * Bear a pid 1.
 * @param inner  set to a descriptor of one inside of its own; NULL: it makes none
 * @return a descriptor of what it is in
 */
static int bear_first(pid_t *first, int *inner)
{
	int up[2];
	pid_t pids[2], below;
	live_must(pipe(up) == 0 && unshare(CLONE_NEWPID) == 0);
	*first = fork();
	if (*first == 0) {
		pids[0] = ns_own_pid();
		live_must(write(up[1], pids, sizeof(pid_t)) == sizeof(pid_t));
		if (inner) {
			live_must(unshare(CLONE_NEWPID) == 0);
			below = fork();
			pids[0] = ns_own_pid();
			if (below == 0)
				live_must(write(up[1], pids, sizeof(pid_t)) == sizeof(pid_t));
		}
		live_must(read(stop[0], up, 1) == 1);
		_exit(3);
	}
	live_must(*first > 0);
	size_t len = sizeof(pid_t) * (inner ? 2 : 1);
	for (size_t got = 0; got < len; got += sizeof(pid_t))
		live_must(read(up[0], (char *)pids + got, sizeof(pid_t)) == sizeof(pid_t));
	close(up[0]);
	close(up[1]);
	if (inner)
		*inner = ns_open_of(pids[1], "pid");
	return ns_open_of(pids[0], "pid");
}

static void go_back(int home)
{
	live_must(setns(home, CLONE_NEWPID) == 0);
}

static void check_dead(int fd, int home)
{
	live_check(setns(fd, CLONE_NEWPID) == 0, "setns: %s", strerror(errno));
	live_check(fork() < 0 && errno == ENOMEM, "fork: %s", strerror(errno));
	go_back(home);
}

static void kill_first(pid_t first)
{
	live_must(kill(first, SIGKILL) == 0 && waitpid(first, NULL, 0) == first);
}

static int for_children(void)
{
	return ns_open_own("pid_for_children");
}

/* Its children would be born into a dead one; in the end it says whether that is so. */
static void child(int up)
{
	pid_t first;
	bear_first(&first, NULL);
	kill_first(first);
	live_must(write(up, "", 1) == 1);
	live_wait();
	_exit(fork() < 0 && errno == ENOMEM ? 0 : 1);
}

int main(void)
{
	int home = ns_open_own("pid"), up[2], inner;
	char byte;
	pid_t first;
	live_must(pipe(up) == 0 && pipe(stop) == 0);
	pid_t pid = fork();
	if (pid == 0)
		child(up[1]);
	live_must(pid > 0 && read(up[0], &byte, 1) == 1);
	int outer = bear_first(&first, &inner), again = for_children();
	kill_first(first);
	go_back(home);
	int ended = bear_first(&first, NULL), status;
	live_must(write(stop[1], "", 1) == 1 &&
		  waitid(P_PID, (id_t)first, NULL, WEXITED | WNOWAIT) == 0);
	pid_t zombie = first;
	go_back(home);
	int killed = bear_first(&first, NULL);
	live_must(kill(first, SIGKILL) == 0 &&
		  waitid(P_PID, (id_t)first, NULL, WEXITED | WNOWAIT) == 0);
	pid_t killed_pid = first;
	go_back(home);
	int last = bear_first(&first, NULL);
	kill_first(first);

	live_ready();

	int now = for_children();
	live_check(ns_number(home) == ns_number(ns_open_own("pid")), "it is in another one");
	live_check(ns_number(outer) == ns_number(again) && ns_number(outer) != ns_number(inner),
		   "which is which");
	live_check(ns_number(now) == ns_number(last) && ns_number(now) != ns_number(outer),
		   "children are born into another one");
	live_check(fork() < 0 && errno == ENOMEM, "fork: %s", strerror(errno));
	live_check(around(outer) == ns_number(home) && around(last) == ns_number(home),
		   "they are in another one");
	live_check(around(inner) == ns_number(outer), "the inner one is in another one");
	check_dead(ended, home);
	live_check(waitpid(zombie, &status, 0) == zombie && status == 3 << 8, "status %x", status);
	check_dead(ended, home);
	live_check(waitpid(killed_pid, &status, 0) == killed_pid && status == SIGKILL,
		   "killed: status %x", status);
	check_dead(killed, home);
	check_dead(inner, home);
	check_dead(outer, home);
	end(pid);
	live_pass();
}
