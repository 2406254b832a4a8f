/* SPDX-License-Identifier: MIT
 * The parts of a core image. Every part is one file with the same three steps: _dump writes its
 * fields from the frozen task, _check refuses a bad image, _fill hands it to the restorer.
 */
#pragma once

#include "base/error.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "engine/context/task.h"
#include "engine/pie/restorer.h"
#include "task.pb-c.h"

/* creds.c: user and group ids, capabilities, securebits, no_new_privs. Per thread. */
int creds_dump(const struct thread *th, ThreadCoreEntry *tc, struct error *err);
int creds_check(const CredsEntry *creds, struct error *err);
size_t creds_args_size(const CredsEntry *creds);
int creds_fill(const CredsEntry *creds, struct arena *arena, struct restorer_creds *out,
	       struct error *err);

/* signals.c: dispositions, masks, queues, signal stacks. */
int signals_dump(const struct task *t, TaskCoreEntry *tc, struct error *err);
int signals_dump_thread(const struct thread *th, ThreadCoreEntry *tc, struct error *err);
int signals_check(const TaskCoreEntry *tc, struct error *err);
int signals_check_thread(const ThreadCoreEntry *tc, struct error *err);
size_t signals_args_size(const SignalQueueEntry *queue);
int signals_fill(const TaskCoreEntry *tc, struct arena *arena, struct restorer_args *args,
		 struct error *err);
int signals_fill_thread(const ThreadCoreEntry *tc, struct arena *arena, struct restorer_thread *out,
			struct error *err);

/* timers.c: the three interval timers, POSIX timers. */
int timers_dump(const struct task *t, TaskCoreEntry *tc, struct error *err);
int timers_check(const TaskTimersEntry *timers, struct error *err);
size_t timers_args_size(const TaskTimersEntry *timers);
int timers_fill(const TaskTimersEntry *timers, struct arena *arena, struct restorer_args *args,
		struct error *err);

/* limits.c: resource limits. */
int limits_dump(const struct task *t, TaskCoreEntry *tc, struct error *err);
int limits_check(const TaskRlimitsEntry *limits, struct error *err);
/** In the task: refuses at once what this process may not raise. */
int limits_fill(const TaskRlimitsEntry *limits, struct restorer_args *args, struct error *err);

struct thread_sched { /* struct sched_attr, which not every C library knows */
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice; /* not of realtime threads, and of those with a deadline */
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

/* sched.c: policy, priority, nice, and what sched-more.c dumps. Per thread. */
int sched_dump(const struct thread *th, const struct sched_host *host, ThreadCoreEntry *tc,
	       struct error *err);
int sched_check(const ThreadCoreEntry *tc, struct error *err);
void sched_fill(const ThreadCoreEntry *tc, struct restorer_thread *out);

/* settings.c: what prctl(2) has set. Per thread. @param leader  settings of the task, too */
int settings_dump(const struct thread *th, bool leader, ThreadCoreEntry *tc, struct error *err);
int settings_check(const ThreadCoreEntry *tc, struct error *err);
void settings_fill(const ThreadCoreEntry *tc, struct restorer_thread *out);

/* ring-fds.c: rings of io_uring known by an index. Per thread; after the descriptors. */
int ring_fds_dump(const struct task *t, const struct thread *th, ThreadCoreEntry *tc,
		  struct error *err);
int ring_fds_check(const ThreadCoreEntry *tc, struct error *err);
void ring_fds_fill(const ThreadCoreEntry *tc, struct restorer_thread *out);

/* sched-more.c: what sched.c's fields do not tell, deadlines, I/O priority, CPUs. Per thread. */
/** @return 0 or -errno */
int thread_sched_get(pid_t tid, struct thread_sched *out);
int sched_more_dump(const struct thread *th, const struct thread_sched *sched,
		    const struct sched_host *host, ThreadCoreEntry *tc, struct error *err);
int sched_more_check(const ThreadCoreEntry *tc, struct error *err);

/* misc.c: everything else. */
int misc_dump(const struct dump *d, const struct task *t, TaskCoreEntry *tc, struct error *err);
int misc_dump_thread(const struct thread *th, ThreadCoreEntry *tc, struct error *err);
int misc_check(const TaskCoreEntry *tc, struct error *err);
int misc_check_thread(const ThreadCoreEntry *tc, struct error *err);
int misc_fill(const struct rtask *t, struct restorer_args *args, struct error *err);
void misc_fill_thread(const ThreadCoreEntry *tc, struct restorer_thread *out);

/* core.c: all of t->cores[i]; sets t->state by the first. */
int core_check(struct rtask *t, size_t i, const struct arch_cpu *cpu, struct error *err);

/* ids.c: which kernel objects tasks share. */
int ids_dump(struct dump *d, struct task *t, struct error *err);
int ids_load(struct restore *r, struct rtask *t, struct error *err);
