/* SPDX-License-Identifier: MIT
 * The innermost number comes first, as the kernel wants it.
 */
#include "engine/tree/birth-clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/pie/restorer.h"
#include "engine/tree/birth-plan.h"

pid_t birth_clone(const struct birth *b, uint64_t flags)
{
	pid_t pids[RESTORER_TIDS];
	size_t nr = 0;
	for (size_t i = b->place.nr; i-- > 0;)
		pids[nr++] = b->place.pid[i];
	pids[nr++] = b->pid;
	struct clone_args ca = {
		.flags = flags,
		/* a sibling takes its bearer's */
		.exit_signal = flags & CLONE_PARENT ? 0 : (uint64_t)b->exit_signal,
		.set_tid = (uintptr_t)pids,
		.set_tid_size = nr,
	};
	return (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
}

bool birth_number_is_refused(int code)
{
	return code == EEXIST || code == EBUSY || code == EINVAL;
}

pid_t birth_clone_any(struct birth *b, uint64_t flags)
{
	pid_t pid = birth_clone(b, flags);
	for (int i = 0; i < BIRTH_ANY_TRIES && pid < 0 && birth_number_is_refused(errno); i++) {
		birth_choose_next(b, errno);
		pid = birth_clone(b, flags);
	}
	return pid;
}
