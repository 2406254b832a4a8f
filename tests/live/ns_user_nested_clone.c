/* SPDX-License-Identifier: MIT
 * A child in a user and a pid namespace of its own that shares its parent's descriptors, and whose
 * end another signal than SIGCHLD tells; and one of that child's, inside.
 */
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

static pid_t bear(uint64_t flags, int signo)
{
	struct clone_args ca = { .flags = flags, .exit_signal = (uint64_t)signo };
	pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	live_check(pid >= 0, "clone3: %s", strerror(errno));
	return pid;
}

/* Was it that signal that told the end? */
static void check_end(pid_t pid, int signo)
{
	int status;
	sigset_t set;
	siginfo_t info;
	sigemptyset(&set);
	sigaddset(&set, signo);
	live_check(sigtimedwait(&set, &info, &(struct timespec){ 10, 0 }) == signo &&
		       info.si_pid == pid,
		   "no signal %d when %d ends", signo, pid);
	live_check(waitpid(pid, &status, __WALL) == pid && status == 0, "it ended: %#x", status);
}

/* Both have one table: what one opens, the other reads. */
static _Noreturn void inner(int ready, int ask, int tell)
{
	char c, fd;
	live_must(getpid() == 1);
	pid_t pid = bear(0, SIGUSR2);
	if (pid == 0) {
		live_must(write(ready, "r", 1) == 1);
		live_wait();
		_exit(0);
	}
	live_must(write(ready, "r", 1) == 1);
	live_wait();
	check_end(pid, SIGUSR2);
	live_check(read(ask, &fd, 1) == 1 && read(fd, &c, 1) == 1 && c == 'x',
		   "what the other opened is not here: %s", strerror(errno));
	live_check(write(tell, "r", 1) == 1, "write: %s", strerror(errno));
	_exit(0);
}

int main(void)
{
	int ready[2], ask[2], tell[2], later[2];
	char c, path[48];
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	live_must(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	live_must(pipe(ready) == 0 && pipe(ask) == 0 && pipe(tell) == 0);
	pid_t pid = bear(CLONE_NEWUSER | CLONE_NEWPID | CLONE_FILES, SIGUSR1);
	if (pid == 0)
		inner(ready[1], ask[0], tell[1]);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	ns_write(path, "0 0 1");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	ns_write(path, "0 0 1");
	for (int i = 0; i < 2; i++)
		live_must(read(ready[0], &c, 1) == 1);

	live_ready();

	live_check(sigpending(&set) == 0 && !sigismember(&set, SIGUSR1),
		   "a signal came that nobody sent");
	live_must(pipe(later) == 0 && write(later[1], "x", 1) == 1);
	c = (char)later[0];
	live_check(write(ask[1], &c, 1) == 1 && read(tell[0], &c, 1) == 1, "it does not answer");
	check_end(pid, SIGUSR1);
	live_pass();
}
