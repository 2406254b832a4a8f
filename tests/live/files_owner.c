/* SPDX-License-Identifier: MIT
 * Signal-driven input: F_SETOWN to oneself and to the process group, F_SETSIG, O_ASYNC; the
 * signal names the descriptor it came from.
 */
#include <signal.h>

#include "tests/live/live.h"

static volatile sig_atomic_t seen_fd = -1, seen_signo;

static void on_input(int signo, siginfo_t *info, void *context)
{
	(void)context;
	seen_signo = signo;
	seen_fd = info->si_fd;
}

static void watch(int fd, int type, int pid)
{
	struct f_owner_ex owner = { .type = type, .pid = pid };
	live_must(fcntl(fd, F_SETOWN_EX, &owner) == 0);
	live_must(fcntl(fd, F_SETSIG, SIGRTMIN + 3) == 0);
	live_must(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC) == 0);
}

static void check(const int *fds, int type, int pid)
{
	struct f_owner_ex owner = { 0 };
	live_check(fcntl(fds[0], F_GETOWN_EX, &owner) == 0 && owner.pid == pid &&
		       (int)owner.type == type,
		   "owner is %d of type %d, want %d", owner.pid, owner.type, pid);
	live_check(fcntl(fds[0], F_GETSIG) == SIGRTMIN + 3, "signal is %d",
		   fcntl(fds[0], F_GETSIG));
	seen_fd = -1;
	live_check(write(fds[1], "x", 1) == 1, "write: %s", strerror(errno));
	for (int i = 0; i < 200 && seen_fd < 0; i++)
		live_sleep_ms(5);
	live_check(seen_fd == fds[0] && seen_signo == SIGRTMIN + 3, "signal %d from fd %d, want %d",
		   (int)seen_signo, (int)seen_fd, fds[0]);
}

int main(void)
{
	int mine[2], group[2];
	struct sigaction action = { .sa_sigaction = on_input, .sa_flags = SA_SIGINFO | SA_RESTART };
	live_must(sigaction(SIGRTMIN + 3, &action, NULL) == 0);
	live_must(pipe(mine) == 0 && pipe(group) == 0);
	watch(mine[0], F_OWNER_PID, getpid());
	watch(group[0], F_OWNER_PGRP, getpgrp());
	check(mine, F_OWNER_PID, getpid());
	live_ready();

	check(mine, F_OWNER_PID, getpid());
	check(group, F_OWNER_PGRP, getpgrp());
	live_pass();
}
