/* SPDX-License-Identifier: MIT
 * The instruction for it is in the arena, which is unmapped last.
 */
#include "engine/tree/remote-call.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "engine/arch/arch.h"
#include "engine/pie/restore-shared.h"

int remote_wait_stop(const struct rtask *t, size_t thread, struct error *err)
{
	int status;
	pid_t tid = rtask_tid(t, thread);
	while (waitpid(tid, &status, __WALL) < 0) {
		if (errno != EINTR)
			return error_sys(err, "thread %d: wait for it", tid);
	}
	if (!WIFSTOPPED(status))
		return error_set(err, ESRCH, "thread %d died while it was being restored", tid);
	return 0;
}

int remote_call_go_on(const struct rtask *t, size_t thread, const char *what, struct error *err)
{
	pid_t tid = rtask_tid(t, thread);
	return ptrace(PTRACE_SYSCALL, tid, 0, 0) < 0 ? error_sys(err, "thread %d: %s", tid, what)
						     : 0;
}

int remote_call_start(struct restore *r, const struct rtask *t, size_t thread,
		      const struct remote_call *call, struct error *err)
{
	const struct restore_slot *slot = &r->shared->slots[t->slot];
	struct arch_regs regs = { 0 };
	int rc = arch_regs_of_core(&r->cpu, t->cores[thread], &regs, err);
	if (rc == 0) {
		arch_regs_to_call(&regs, slot->syscall_addr, call->nr, call->args);
		rc = arch_regs_set(rtask_tid(t, thread), &regs, err);
	}
	arch_regs_fini(&regs);
	return rc < 0 ? rc : remote_call_go_on(t, thread, call->what, err);
}

int remote_call_result(const struct rtask *t, size_t thread, long *result, struct error *err)
{
	struct arch_regs regs = { 0 };
	int rc = arch_regs_get(rtask_tid(t, thread), &regs, err);
	*result = rc == 0 ? arch_regs_result(&regs) : 0;
	arch_regs_fini(&regs);
	return rc;
}

int remote_call(struct restore *r, const struct rtask *t, size_t thread,
		const struct remote_call *call, long *result, struct error *err)
{
	int rc = remote_call_start(r, t, thread, call, err);
	if (rc == 0)
		rc = remote_wait_stop(t, thread, err);
	if (rc == 0)
		rc = remote_call_go_on(t, thread, call->what, err);
	if (rc == 0)
		rc = remote_wait_stop(t, thread, err);
	return rc < 0 ? rc : remote_call_result(t, thread, result, err);
}
