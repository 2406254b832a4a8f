/* SPDX-License-Identifier: MIT
 * Pid namespaces that belong to user namespaces inside of the tree's, one in the other, with
 * threads and children in each: numbers at every level, who owns what, what parents get when they
 * end, and processes made afterwards.
 *
 * live-link: -pthread
 * live-between: ! grep 'not gone after' dump.log
 */
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

#define LEVELS 2
#define IDLE   8

/* "NSpid: …" of a task as /proc has it. */
static void numbers(char out[128])
{
	char line[256];
	FILE *f = fopen("/proc/thread-self/status", "re");
	out[0] = 0;
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "NSpid:", 6))
			snprintf(out, 128, "%s", line);
	live_check(f != NULL && out[0], "no numbers");
	fclose(f);
}

/* Its last numbers: further out, they may be others after a restore in a new namespace. */
static void check_numbers(const char *before, int nr)
{
	char now[128];
	numbers(now);
	const char *a = strrchr(before, '\t'), *b = strrchr(now, '\t');
	for (; nr > 1; nr--) {
		while (a > before && *--a != '\t')
			;
		while (b > now && *--b != '\t')
			;
	}
	live_check(!strcmp(a, b), "the numbers were %s, are %s", before, now);
}

static int depth;

static void *thread(void *arg)
{
	char before[128];
	numbers(before);
	live_must(write(*(int *)arg, "t", 1) == 1);
	live_wait();
	check_numbers(before, depth + 1);
	return NULL;
}

static void *wait_for_ever(void *arg)
{
	pause();
	return arg;
}

static void check_owner(void)
{
	int fd = open("/proc/self/ns/pid", O_RDONLY);
	live_check(ns_number(ioctl(fd, NS_GET_USERNS)) == ns_own_number("user"),
		   "its pid namespace belongs to another");
	close(fd);
}

/* @param signo  what this process gets when it ends; 0: nothing */
static pid_t bear(int signo)
{
	struct clone_args args = { .exit_signal = (uint64_t)signo };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	live_must(pid >= 0);
	return pid;
}

/* Only who asks for all finds one that does not end with SIGCHLD. */
static void reap(pid_t pid, int exit_status, const char *who)
{
	int status = 0;
	live_check(waitpid(pid, &status, WNOHANG) < 0, "an ordinary wait finds %s", who);
	live_check(waitpid(pid, &status, __WALL) == pid && status == exit_status << 8, "%s: %#x",
		   who, status);
}

static pid_t go_inside(void)
{
	char text[32];
	uid_t uid = getuid();
	gid_t gid = getgid();
	live_must(unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0);
	ns_write("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "%d %u 1", depth * 5, uid);
	ns_write("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "%d %u 1", depth * 5, gid);
	ns_write("/proc/self/gid_map", text);
	signal(SIGUSR2, SIG_IGN);
	return bear(SIGUSR2);
}

/* One that ends with 7 when all is as it was. */
static pid_t start_inside(int ready)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid)
		return pid;
	depth++;
	pid = go_inside();
	if (pid) {
		char before[128];
		numbers(before);
		live_wait();
		check_numbers(before, depth);
		reap(pid, 0, "inside");
		_exit(7);
	}
	char before[128];
	pthread_t other, idle;
	int status;
	numbers(before);
	live_must(getpid() == 1);
	pid_t inner = depth < LEVELS ? start_inside(ready) : 0;
	pid_t dead = bear(0);
	if (dead == 0)
		_exit(3);
	int users = open("/proc/self/ns/user", O_RDONLY);
	live_must(users >= 0 && pthread_create(&other, NULL, thread, &ready) == 0);
	for (int i = 0; i < IDLE; i++)
		live_must(pthread_create(&idle, NULL, wait_for_ever, NULL) == 0);
	live_wait();
	live_check(ns_number(users) == ns_own_number("user"), "the descriptor leads elsewhere");
	live_check(getpid() == 1 && getuid() == (uid_t)depth * 5, "it is %d, user %u", getpid(),
		   getuid());
	check_numbers(before, depth + 1);
	check_owner();
	live_check(pthread_join(other, NULL) == 0, "join");
	reap(dead, 3, "the dead one");
	live_check(!inner || (waitpid(inner, &status, 0) == inner && WEXITSTATUS(status) == 7),
		   "further in: %#x", status);
	pid_t more = fork();
	if (more == 0)
		_exit(4);
	live_check(more > dead, "the next process is %d", more);
	live_check(waitpid(more, &status, 0) == more && WEXITSTATUS(status) == 4, "one more");
	_exit(0);
}

int main(void)
{
	int ready[2], status, self = open("/proc/self/ns/pid", O_RDONLY);
	char c;
	live_must(pipe(ready) == 0 && self >= 0);
	pid_t pid = start_inside(ready[1]);
	for (int i = 0; i < LEVELS; i++)
		live_must(read(ready[0], &c, 1) == 1);

	live_ready();

	live_check(ns_number(self) == ns_own_number("pid"), "the descriptor leads elsewhere");
	live_check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7, "it ended: %#x",
		   status);
	live_pass();
}
