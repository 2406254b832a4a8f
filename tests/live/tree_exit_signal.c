/* SPDX-License-Identifier: MIT
 * Children of clone(2) whose end is told by another signal than SIGCHLD, or by none.
 * live-modes: SS RR 2S
 */
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static volatile sig_atomic_t got[65];

static void note(int signo)
{
	got[signo]++;
}

static pid_t bear(int signo)
{
	struct clone_args args = { .exit_signal = (uint64_t)signo };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	live_must(pid >= 0);
	return pid;
}

static pid_t bear_waiting(int signo)
{
	pid_t pid = bear(signo);
	while (pid == 0)
		pause();
	return pid;
}

static int exit_signal(pid_t pid)
{
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	live_must(fd >= 0);
	ssize_t len = read(fd, text, sizeof(text) - 1);
	live_must(len > 0 && close(fd) == 0);
	text[len] = '\0';
	char *at = strrchr(text, ')') + 1;
	for (int field = 3; field < 38; field++)
		at = strchr(at + 1, ' ');
	return atoi(at);
}

static void end(pid_t pid, int signo)
{
	int status = 0, wall = signo == SIGCHLD ? 0 : __WALL;
	live_check(exit_signal(pid) == signo, "exit signal %d of a child that had %d",
		   exit_signal(pid), signo);
	live_check(!wall || waitpid(pid, &status, WNOHANG) < 0, "an ordinary wait finds it");
	live_must(kill(pid, SIGKILL) == 0);
	live_must(waitpid(pid, &status, wall) == pid);
}

int main(void)
{
	for (int signo = SIGUSR1; signo <= SIGCHLD; signo++)
		signal(signo, note);
	pid_t with_signal = bear_waiting(SIGUSR2), silent = bear_waiting(0);
	pid_t usual = bear_waiting(SIGCHLD), dead = bear(0);
	if (dead == 0)
		_exit(7);
	siginfo_t info;
	live_must(waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT | __WALL) == 0);
	live_ready();
	live_check(!got[SIGUSR2] && !got[SIGCHLD], "the restore is seen: %d, %d", got[SIGUSR2],
		   got[SIGCHLD]);
	end(usual, SIGCHLD);
	live_check(got[SIGCHLD] == 1, "%d times SIGCHLD", got[SIGCHLD]);
	end(silent, 0);
	live_check(got[SIGCHLD] == 1, "SIGCHLD of a silent child");
	end(with_signal, SIGUSR2);
	live_check(got[SIGUSR2] == 1, "%d times SIGUSR2", got[SIGUSR2]);
	int status = 0;
	live_check(exit_signal(dead) == 0, "the dead child has exit signal %d", exit_signal(dead));
	live_must(waitpid(dead, &status, __WALL) == dead);
	live_check(status == 7 << 8, "the dead child ended with %#x", status);
	live_pass();
}
