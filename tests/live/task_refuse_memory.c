/* SPDX-License-Identifier: MIT
 * Memory shared by two processes is refused: what one writes, the other has.
 * live-refuse: shares its address space
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static char stack[65536];
static volatile int written;

static int child(void *arg)
{
	(void)arg;
	live_wait();
	written = 7;
	return 0;
}

int main(void)
{
	int status = -1;
	pid_t pid = clone(child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	live_must(pid >= 0);
	live_ready();
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "child ended with %#x", status);
	live_check(written == 7, "what the child wrote is not here");
	live_pass();
}
