/* SPDX-License-Identifier: MIT
 * Resource limits.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/task/parts.h"
#include "images/message.h"

/* As /proc/PID/limits has them. */
static const char *const names[PARASITE_NR_LIMITS] = {
	[RLIMIT_CPU] = "Max cpu time",
	[RLIMIT_FSIZE] = "Max file size",
	[RLIMIT_DATA] = "Max data size",
	[RLIMIT_STACK] = "Max stack size",
	[RLIMIT_CORE] = "Max core file size",
	[RLIMIT_RSS] = "Max resident set",
	[RLIMIT_NPROC] = "Max processes",
	[RLIMIT_NOFILE] = "Max open files",
	[RLIMIT_MEMLOCK] = "Max locked memory",
	[RLIMIT_AS] = "Max address space",
	[RLIMIT_LOCKS] = "Max file locks",
	[RLIMIT_SIGPENDING] = "Max pending signals",
	[RLIMIT_MSGQUEUE] = "Max msgqueue size",
	[RLIMIT_NICE] = "Max nice priority",
	[RLIMIT_RTPRIO] = "Max realtime priority",
	[RLIMIT_RTTIME] = "Max realtime timeout",
};

int limits_dump(const struct task *t, TaskCoreEntry *tc, struct error *err)
{
	TaskRlimitsEntry *e = tc->rlimits = message_new(&task_rlimits_entry__descriptor);
	if (e)
		e->rlimits =
		    message_array(&rlimit_entry__descriptor, PARASITE_NR_LIMITS, &e->n_rlimits);
	if (!e || !e->rlimits)
		return error_set(err, ENOMEM, "resource limits: out of memory");
	for (size_t i = 0; i < e->n_rlimits; i++) {
		e->rlimits[i]->cur = t->inside.limits[i].cur;
		e->rlimits[i]->max = t->inside.limits[i].max;
	}
	return 0;
}

int limits_check(const TaskRlimitsEntry *e, struct error *err)
{
	if (!e)
		return 0;
	if (e->n_rlimits > PARASITE_NR_LIMITS)
		return error_set(err, EBADMSG, "rlimits: %zu, at most %d", e->n_rlimits,
				 PARASITE_NR_LIMITS);
	for (size_t i = 0; i < e->n_rlimits; i++)
		if (e->rlimits[i]->cur > e->rlimits[i]->max)
			return error_set(err, EBADMSG,
					 "rlimits[%zu]: soft limit %llu above hard "
					 "limit %llu",
					 i, (unsigned long long)e->rlimits[i]->cur,
					 (unsigned long long)e->rlimits[i]->max);
	return 0;
}

static const char *limit_text(rlim_t limit, char out[24])
{
	snprintf(out, 24, limit == RLIM_INFINITY ? "unlimited" : "%llu", (unsigned long long)limit);
	return out;
}

/* Raising a hard limit needs CAP_SYS_RESOURCE. Asked with the real call, so that no rule of the
 * kernel is repeated here; the restorer sets the final values. */
static int try_raise(unsigned resource, const struct rlimit *want, struct error *err)
{
	struct rlimit now;
	if (getrlimit(resource, &now) < 0)
		return error_sys(err, "get resource limit %u", resource);
	if (want->rlim_max <= now.rlim_max)
		return 0;
	struct rlimit raised = { .rlim_cur = now.rlim_cur, .rlim_max = want->rlim_max };
	if (setrlimit(resource, &raised) == 0)
		return 0;
	int code = errno;
	char had[24], have[24];
	return error_set(err, code,
			 "%s: the task has a hard limit of %s, this one is %s and may not be "
			 "raised: raise it before restoring, restore with CAP_SYS_RESOURCE, or "
			 "start the task with a lower one (a container: podman run --ulimit)",
			 names[resource], limit_text(want->rlim_max, had),
			 limit_text(now.rlim_max, have));
}

int limits_fill(const TaskRlimitsEntry *e, struct restorer_args *args, struct error *err)
{
	args->nr_rlimits = 0;
	for (unsigned i = 0; e && i < e->n_rlimits; i++) {
		struct rlimit *to = &args->rlimits[i];
		to->rlim_cur = e->rlimits[i]->cur;
		to->rlim_max = e->rlimits[i]->max;
		int rc = try_raise(i, to, err);
		if (rc < 0)
			return rc;
		args->nr_rlimits = i + 1;
	}
	return 0;
}
