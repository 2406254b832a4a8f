/* SPDX-License-Identifier: MIT
 * See keeper.h.
 */
#include "base/keeper.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void keeper_become(const char *name)
{
	struct sched_param first = { .sched_priority = 1 };
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, name);
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) < 0)
		setpriority(PRIO_PROCESS, 0, -20);
}

static int compare_int(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

void keeper_close_others(int *fds, size_t nr)
{
	int next = STDERR_FILENO + 1;
	if (nr)
		qsort(fds, nr, sizeof(*fds), compare_int);
	for (size_t i = 0; i < nr; i++) {
		if (fds[i] > next)
			syscall(SYS_close_range, next, fds[i] - 1, 0);
		if (fds[i] >= next)
			next = fds[i] + 1;
	}
	syscall(SYS_close_range, next, ~0u, 0);
}
