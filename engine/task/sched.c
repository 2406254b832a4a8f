/* SPDX-License-Identifier: MIT
 * Scheduling of a thread: policy, real-time priority, nice.
 */
#include <errno.h>
#include <sched.h>
#include <sys/resource.h>

#include "engine/task/parts.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif
#define FLAG_RESET   0x1 /* SCHED_FLAG_RESET_ON_FORK */
#define NICE_MIN     (-20)
#define NICE_MAX     19
#define RT_PRIO_MAX  99
#define POLICY_OF(p) ((p) & ~(uint32_t)SCHED_RESET_ON_FORK)

static bool is_realtime(uint32_t policy)
{
	return POLICY_OF(policy) == SCHED_FIFO || POLICY_OF(policy) == SCHED_RR;
}

static bool is_known(uint32_t policy)
{
	uint32_t p = POLICY_OF(policy);
	return is_realtime(policy) || p == SCHED_OTHER || p == SCHED_BATCH || p == SCHED_IDLE ||
	       p == SCHED_DEADLINE;
}

/* That of a thread to which it means nothing now is not among the rest. */
static int32_t nice_of(const struct thread *th, const struct thread_sched *sched)
{
	if (!is_realtime(sched->policy) && sched->policy != SCHED_DEADLINE)
		return sched->nice;
	return getpriority(PRIO_PROCESS, (id_t)th->tid);
}

int sched_dump(const struct thread *th, const struct sched_host *host, ThreadCoreEntry *tc,
	       struct error *err)
{
	struct thread_sched sched;
	int rc = thread_sched_get(th->tid, &sched);
	if (rc < 0)
		return error_code(err, rc, "thread %d: sched_getattr", th->tid);
	if (!is_known(sched.policy))
		return error_set(
		    err, ENOTSUP,
		    "thread %d: scheduling policy %u is not known to images: give it another "
		    "one (chrt) before the dump",
		    th->tid, sched.policy);
	tc->has_sched_policy = true;
	tc->sched_policy = sched.policy | (sched.flags & FLAG_RESET ? SCHED_RESET_ON_FORK : 0);
	tc->has_sched_nice = true;
	tc->sched_nice = nice_of(th, &sched);
	tc->has_sched_prio = is_realtime(tc->sched_policy);
	tc->sched_prio = tc->has_sched_prio ? sched.priority : 0;
	return sched_more_dump(th, &sched, host, tc, err);
}

int sched_check(const ThreadCoreEntry *tc, struct error *err)
{
	if (tc->has_sched_nice && (tc->sched_nice < NICE_MIN || tc->sched_nice > NICE_MAX))
		return error_set(err, EBADMSG, "sched_nice: %d is not in -20 to 19",
				 tc->sched_nice);
	if (!tc->has_sched_policy)
		return 0;
	if (!is_known(tc->sched_policy))
		return error_set(err, EBADMSG, "sched_policy: unknown policy %#x",
				 tc->sched_policy);
	uint32_t prio = tc->has_sched_prio ? tc->sched_prio : 0;
	if (is_realtime(tc->sched_policy) ? prio < 1 || prio > RT_PRIO_MAX : prio != 0)
		return error_set(err, EBADMSG, "sched_prio: %u does not fit policy %#x", prio,
				 tc->sched_policy);
	return 0;
}

void sched_fill(const ThreadCoreEntry *tc, struct restorer_thread *out)
{
	bool plain = tc->has_sched_policy && POLICY_OF(tc->sched_policy) != SCHED_DEADLINE;
	out->sched_policy = plain ? (int32_t)tc->sched_policy : SCHED_OTHER; /* sched-more.c */
	out->sched_prio = tc->has_sched_prio ? (int32_t)tc->sched_prio : 0;
	out->sched_nice = tc->has_sched_nice ? tc->sched_nice : 0;
}
