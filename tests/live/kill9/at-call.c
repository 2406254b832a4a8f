/* SPDX-License-Identifier: MIT
 * See at-call.h.
 */
#include "tests/live/kill9/at-call.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_STOP (SIGTRAP | 0x80)

static bool changes_others(const struct user_regs_struct *r)
{
	return r->orig_rax == SYS_ptrace || r->orig_rax == SYS_pwrite64;
}

int run_until_call(char *const argv[], long n)
{
	return run_until(argv, changes_others, n);
}

int run_until(char *const argv[], bool (*is_it)(const struct user_regs_struct *), long n)
{
	struct user_regs_struct r;
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(argv[0], argv);
		_exit(127);
	}
	int status, signo = 0;
	bool entry = false, first = true;
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (first)
			ptrace(PTRACE_SETOPTIONS, pid, NULL,
			       (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
		signo = WSTOPSIG(status);
		if (signo == SYSCALL_STOP) {
			entry = !entry;
			if (entry && ptrace(PTRACE_GETREGS, pid, NULL, &r) == 0 && is_it(&r) &&
			    --n == 0)
				kill(pid, SIGKILL);
		}
		/* our own stop, and the trap of exec */
		if (first || signo == SYSCALL_STOP || signo == SIGTRAP)
			signo = 0;
		first = false;
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signo);
	}
	return status;
}
