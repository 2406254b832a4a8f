/* SPDX-License-Identifier: MIT
 * Tasks that are restricted by Landlock: what the parasite is told for its test, and what it means.
 */
#include "engine/trace/landlock.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define ASK_VERSION 1 /* LANDLOCK_CREATE_RULESET_VERSION */

/* Older kernels, and those without it, have nobody restricted. */
static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION) > 0;
}

/* A child would run under its filters, and be born elsewhere where its children are. */
static bool may_bear(const struct task *t)
{
	return !t->status.seccomp_mode && !t->children_apart;
}

void landlock_ask(const struct task *t, uint64_t child_stack, struct parasite_request *req)
{
	req->landlock = has_landlock();
	req->outsider =
	    t->status.ns_pid_depth == 1 ? getpid() : 0; /* else it has no number there */
	req->child_stack = may_bear(t) ? child_stack : 0;
}

/* Has it what restricting itself takes? A program that had it, and has given it away, is rare. */
static bool could_restrict_itself(const struct proc_status *st)
{
	return st->no_new_privs || (st->cap_prm & 1ull << CAP_SYS_ADMIN);
}

int landlock_check(const struct task *t, struct error *err)
{
	switch (t->inside.landlock) {
	case LANDLOCK_FREE:
		return 0;
	case LANDLOCK_RESTRICTED:
		return error_set(err, ENOTSUP,
				 "Landlock restricts it, by rules that the kernel tells nobody, so "
				 "it would come back free: start it without that to dump it");
	}
	if (could_restrict_itself(&t->status))
		log_warn(TASK_FMT ": cannot tell whether Landlock restricts it%s: if so, it comes "
				  "back free",
			 TASK_ARGS(t), t->status.seccomp_mode ? ", as it runs under seccomp" : "");
	return 0;
}
