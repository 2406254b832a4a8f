/* SPDX-License-Identifier: MIT
 * A descriptor table shared by two processes is refused: what one opens, the other has.
 * live-refuse: shares its descriptors
 */
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

int main(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);
	live_must(pid >= 0);
	if (pid == 0) {
		live_wait();
		_exit(dup2(0, 99) == 99 ? 0 : 1);
	}
	live_ready();
	int status = -1;
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "child ended with %#x", status);
	live_check(fcntl(99, F_GETFD) >= 0, "the child's descriptor is not here");
	live_pass();
}
