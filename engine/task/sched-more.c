/* SPDX-License-Identifier: MIT
 * Scheduling of a thread beyond policy, priority and nice, which is all the format knows:
 * deadlines, slices, utilisation, I/O priority, CPUs. Set from outside when every thread is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "engine/ns/cpuset.h"
#include "engine/ns/user.h"
#include "engine/task/core.h"
#include "engine/task/parts.h"
#include "images/message.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif
#define FLAG_UTIL          0x60u /* SCHED_FLAG_UTIL_CLAMP_MIN and _MAX */
#define UTIL_MAX           1024u
#define IOPRIO_THREAD      1 /* IOPRIO_WHO_PROCESS */
#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_CLASS_MAX   3u /* idle */

int thread_sched_get(pid_t tid, struct thread_sched *out)
{
	memset(out, 0, sizeof(*out));
	return syscall(SYS_sched_getattr, tid, out, sizeof(*out), 0) < 0 ? -errno : 0;
}

static bool is_realtime(uint32_t policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* @return  the number in a file; -1: there is none */
static long number_in(const char *path)
{
	auto_strbuf text = { 0 };
	return file_read_at(AT_FDCWD, path, &text, NULL) < 0 || !text.len
		   ? -1
		   : strtol(text.data, NULL, 10);
}

void sched_host_read(struct sched_host *out)
{
	struct thread_sched own;
	*out = (struct sched_host){ 0 };
	cpuset_online(&out->online);
	out->has_slice = thread_sched_get(0, &own) == 0 && !is_realtime(own.policy);
	out->slice = own.runtime;
	out->has_clamps = number_in("/proc/sys/kernel/sched_util_clamp_max") >= 0;
	long least = number_in("/proc/sys/kernel/sched_util_clamp_min_rt_default");
	out->rt_util_min = least < 0 ? UTIL_MAX : (uint32_t)least;
}

static bool has_own_util(const struct sched_host *host, const struct thread_sched *a)
{
	uint32_t least = is_realtime(a->policy) ? host->rt_util_min : 0;
	return host->has_clamps && (a->util_min != least || a->util_max != UTIL_MAX);
}

/* Since Linux 6.12 slices can be chosen, and are told like the runtime of a deadline. */
static bool has_own_slice(const struct sched_host *host, const struct thread_sched *a)
{
	return host->has_slice && !is_realtime(a->policy) && a->runtime != host->slice;
}

static void dump_attr(const struct sched_host *host, const struct thread_sched *a,
		      SchedMoreEntry *e)
{
	bool deadline = a->policy == SCHED_DEADLINE;
	e->has_runtime = deadline || has_own_slice(host, a);
	e->runtime = e->has_runtime ? a->runtime : 0;
	e->has_deadline = e->has_period = e->has_flags = deadline;
	if (deadline) {
		e->deadline = a->deadline;
		e->period = a->period;
		e->flags = a->flags;
	}
	e->has_util_min = e->has_util_max = has_own_util(host, a);
	if (e->has_util_min) {
		e->util_min = a->util_min;
		e->util_max = a->util_max;
	}
}

static int dump_cpus(pid_t tid, const struct cpu_mask *online, SchedMoreEntry *e)
{
	uint8_t mask[CPU_MASK_MAX] = { 0 };
	long len = syscall(SYS_sched_getaffinity, tid, sizeof(mask), mask);
	if (len < 0)
		return -errno;
	if (!cpuset_is_narrowed(online, tid, mask, (size_t)len))
		return 0;
	while (len > 1 && !mask[len - 1])
		len--;
	e->cpus.data = malloc((size_t)len);
	if (!e->cpus.data)
		return -ENOMEM;
	memcpy(e->cpus.data, mask, (size_t)len);
	e->cpus.len = (size_t)len;
	e->has_cpus = true;
	return 0;
}

int sched_more_dump(const struct thread *th, const struct thread_sched *sched,
		    const struct sched_host *host, ThreadCoreEntry *tc, struct error *err)
{
	SchedMoreEntry *e = tc->sched_more = message_new(&sched_more_entry__descriptor);
	if (!e)
		return error_set(err, ENOMEM, "thread %d: out of memory", th->tid);
	dump_attr(host, sched, e);
	long ioprio = syscall(SYS_ioprio_get, IOPRIO_THREAD, th->tid);
	e->has_ioprio = ioprio >> IOPRIO_CLASS_SHIFT > 0;
	e->ioprio = e->has_ioprio ? (uint32_t)ioprio : 0;
	int rc = dump_cpus(th->tid, &host->online, e);
	if (rc < 0)
		return error_code(err, rc, "thread %d: get the CPUs it may run on", th->tid);
	if (!e->has_runtime && !e->has_util_min && !e->has_ioprio && !e->has_cpus) {
		sched_more_entry__free_unpacked(e, NULL);
		tc->sched_more = NULL;
	}
	return 0;
}

int sched_more_check(const ThreadCoreEntry *tc, struct error *err)
{
	const SchedMoreEntry *e = tc->sched_more;
	bool deadline = tc->has_sched_policy &&
			(tc->sched_policy & ~(uint32_t)SCHED_RESET_ON_FORK) == SCHED_DEADLINE;
	if (deadline && (!e || !e->has_runtime || !e->has_deadline || !e->has_period))
		return error_set(err, EBADMSG, "sched_policy: deadline, but no times for it");
	if (!e)
		return 0;
	if (e->has_ioprio && (e->ioprio >> IOPRIO_CLASS_SHIFT > IOPRIO_CLASS_MAX ||
			      !(e->ioprio >> IOPRIO_CLASS_SHIFT)))
		return error_set(err, EBADMSG, "sched_more: I/O priority %#x", e->ioprio);
	if (e->has_util_min && (e->util_min > UTIL_MAX || e->util_max > UTIL_MAX))
		return error_set(err, EBADMSG, "sched_more: utilisation %u to %u, at most %u",
				 e->util_min, e->util_max, UTIL_MAX);
	if (e->has_cpus && (e->cpus.len == 0 || e->cpus.len > CPU_MASK_MAX))
		return error_set(err, EBADMSG, "sched_more: a mask of CPUs of %zu bytes",
				 e->cpus.len);
	return 0;
}

/* A machine without these CPUs is no reason not to run at all. */
static void set_cpus(pid_t tid, const SchedMoreEntry *e)
{
	uint8_t mask[CPU_MASK_MAX] = { 0 };
	memcpy(mask, e->cpus.data, e->cpus.len);
	if (syscall(SYS_sched_setaffinity, tid, sizeof(mask), mask) < 0)
		log_warn("thread %d: none of the CPUs it ran on is here, it may run on any: %s",
			 tid, strerror(errno));
}

static int set_attr(pid_t tid, const ThreadCoreEntry *tc, struct error *err)
{
	const SchedMoreEntry *e = tc->sched_more;
	struct thread_sched a;
	int rc = thread_sched_get(tid, &a);
	if (rc < 0)
		return error_code(err, rc, "thread %d: sched_getattr", tid);
	if (e->has_deadline) {
		a.policy = SCHED_DEADLINE;
		a.deadline = e->deadline;
		a.period = e->period;
		a.flags = e->flags;
	}
	if (e->has_runtime)
		a.runtime = e->runtime;
	if (e->has_util_min) {
		a.flags |= FLAG_UTIL;
		a.util_min = e->util_min;
		a.util_max = e->util_max;
	}
	a.size = sizeof(a);
	if (syscall(SYS_sched_setattr, tid, &a, 0) < 0)
		return error_sys(err, "thread %d: %s", tid,
				 e->has_deadline ? "run it under its deadline again"
						 : "set its slice or utilisation");
	return 0;
}

/* Of one in a user namespace, who may not do so itself. */
static int set_plain(pid_t tid, const ThreadCoreEntry *tc, struct error *err)
{
	struct restorer_thread want;
	sched_fill(tc, &want);
	const struct sched_param param = { want.sched_prio };
	if (sched_setscheduler(tid, want.sched_policy, &param) < 0 ||
	    setpriority(PRIO_PROCESS, (id_t)tid, want.sched_nice) < 0)
		return error_sys(err, "thread %d: set its scheduling", tid);
	return 0;
}

static int set_thread(pid_t tid, const ThreadCoreEntry *tc, struct error *err)
{
	const SchedMoreEntry *e = tc->sched_more;
	if (!e)
		return 0;
	if (e->has_cpus)
		set_cpus(tid, e);
	if (e->has_ioprio && syscall(SYS_ioprio_set, IOPRIO_THREAD, tid, (int)e->ioprio) < 0)
		return error_sys(err, "thread %d: set its I/O priority %#x", tid, e->ioprio);
	return e->has_runtime || e->has_util_min ? set_attr(tid, tc, err) : 0;
}

int sched_set_more(struct restore *r, struct error *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		for (size_t k = 0; rtask_is_living(t) && k < t->nr_threads; k++) {
			const ThreadCoreEntry *tc = t->cores[k]->thread_core;
			pid_t tid = rtask_tid(t, k);
			int rc = userns_nested_fd(r, t) < 0 ? 0 : set_plain(tid, tc, err);
			if (rc == 0)
				rc = set_thread(tid, tc, err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}
