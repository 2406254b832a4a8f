/* SPDX-License-Identifier: MIT
 * Why a task could not be born, in words.
 */
#include "engine/tree/birth-error.h"

#include <errno.h>

#include "engine/context/shortage.h"
#include "engine/ns/ns.h"
#include "engine/ns/pid.h"
#include "engine/tree/taken-ids.h"

static int pid_taken(const struct restore *r, pid_t pid, struct error *err)
{
	char holder[PID_HOLDER_MAX];
	pid_holder(pidns_taken_by(r, pid), holder);
	if (ns_restores(r, NS_PID))
		return error_set(
		    err, EEXIST,
		    "pid %d of the pid namespace that is given is taken by %s: end it, "
		    "or give another one (or use --remap-pids)",
		    pid, holder);
	return error_set(
	    err, EEXIST,
	    "pid %d is taken by %s: end it, or restore in a new pid namespace (or with "
	    "--remap-pids)",
	    pid, holder);
}

int birth_error(const struct restore *r, pid_t pid, int code, struct error *err)
{
	switch (code < 0 ? -code : code) {
	case EEXIST:
		return pid_taken(r, pid, err);
	case EPERM:
		return error_set(err, EPERM,
				 "pid %d cannot be chosen: it needs CAP_CHECKPOINT_RESTORE or "
				 "CAP_SYS_ADMIN",
				 pid);
	case EINVAL:
		return error_set(err, EINVAL,
				 "pid %d cannot be chosen: it is above /proc/sys/kernel/pid_max, "
				 "or the kernel is older than 5.5",
				 pid);
	default:
		return error_code(err, code, "create task %d%s", pid, shortage_of_tasks(code));
	}
}
