/* SPDX-License-Identifier: MIT
 * A process that shares memory and descriptors.
 */
#include "engine/ns/aside.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "engine/context/shortage.h"

#define STACK (1024 * 1024) /* bytes; what is not used takes no memory */

struct job {
	int (*visit)(void *ctx, struct error *err);
	void *ctx;
	struct error *err;
	int rc;
};

static int run(void *arg)
{
	struct job *job = arg;
	job->rc = job->visit(job->ctx, job->err);
	return 0;
}

int ns_aside(int (*visit)(void *ctx, struct error *err), void *ctx, struct error *err)
{
	struct job job = { .visit = visit, .ctx = ctx, .err = err, .rc = -ECHILD };
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED)
		return error_set(err, ENOMEM, "out of memory");
	int dumpable = prctl(PR_GET_DUMPABLE);
	pid_t pid = clone(run, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &job);
	int status = 0;
	int rc = pid < 0 ? error_sys(err, "create a process%s", shortage_of_tasks(errno)) : 0;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	munmap(stack, STACK);
	if (dumpable == 1) /* the memory is one: a change of ids or namespaces there changed that */
		prctl(PR_SET_DUMPABLE, 1);
	if (rc == 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		rc = error_set(err, ECHILD,
			       "a process of stasis has died of signal %d (killed from outside, or "
			       "out of memory?)",
			       WTERMSIG(status));
	return rc < 0 ? rc : job.rc;
}
