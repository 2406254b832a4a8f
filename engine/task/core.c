/* SPDX-License-Identifier: MIT
 * Core images: one per thread, put together from the parts next door.
 */
#include "engine/task/core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "base/worker.h"
#include "engine/mem/arena.h"
#include "engine/mem/numa.h"
#include "engine/ns/user.h"
#include "engine/task/label.h"
#include "engine/task/parts.h"
#include "engine/task/seccomp.h"
#include "images/message.h"
#include "images/reader.h"
#include "images/writer.h"

static int dump_task_part(const struct dump *d, const struct task *t, CoreEntry *core,
			  struct error *err)
{
	TaskCoreEntry *tc = core->tc = message_new(&task_core_entry__descriptor);
	if (!tc || !(tc->comm = strdup(t->stat.comm)))
		return error_set(err, ENOMEM, "task %d: out of memory", t->pid);
	tc->task_state = t->state == TASK_ZOMBIE ? TASK_DEAD : t->state;
	if (t->state == TASK_ZOMBIE) {
		tc->exit_code = (uint32_t)t->exit_code;
		return 0;
	}
	int rc;
	if ((rc = signals_dump(t, tc, err)) < 0 || (rc = timers_dump(t, tc, err)) < 0 ||
	    (rc = limits_dump(t, tc, err)) < 0)
		return rc;
	return misc_dump(d, t, tc, err);
}

static int dump_thread_part(const struct dump *d, const struct thread *th, bool leader,
			    CoreEntry *core, struct error *err)
{
	ThreadCoreEntry *tc = core->thread_core = message_new(&thread_core_entry__descriptor);
	if (!tc)
		return error_set(err, ENOMEM, "thread %d: out of memory", th->tid);
	tc->has_blk_sigset = !leader; /* the leader's stands in task_core_entry */
	tc->blk_sigset = leader ? 0 : th->sigmask;
	int rc;
	if ((rc = signals_dump_thread(th, tc, err)) < 0 ||
	    (rc = sched_dump(th, &d->sched, tc, err)) < 0 || (rc = creds_dump(th, tc, err)) < 0 ||
	    (rc = settings_dump(th, leader, tc, err)) < 0)
		return rc;
	return misc_dump_thread(th, tc, err);
}

static int dump_thread(const struct dump *d, const struct task *t, size_t i, struct error *err)
{
	const struct thread *th = &t->threads[i];
	auto_message CoreEntry *core = message_new(&core_entry__descriptor);
	if (!core)
		return error_set(err, ENOMEM, "thread %d: out of memory", th->tid);
	int rc = arch_core_fill(&d->cpu, core, &th->regs, th->inside.clear_tid_addr, th->tid, err);
	if (rc == 0 && i == 0)
		rc = arch_ldt_fill(core, t->ldt, t->inside.ldt_len, err);
	if (rc == 0)
		rc = dump_thread_part(d, th, i == 0, core, err);
	if (rc == 0)
		rc = ring_fds_dump(t, th, core->thread_core, err);
	if (rc == 0 && i == 0)
		rc = dump_task_part(d, t, core, err);
	if (rc < 0)
		return rc;
	seccomp_dump(th, core->thread_core);
	return image_write_one(d->images_fd, IMG_CORE, (uint64_t)th->vtid, &core->base, err);
}

static int dump_zombie(struct dump *d, struct task *t, struct error *err)
{
	auto_message CoreEntry *core = message_new(&core_entry__descriptor);
	if (!core)
		return error_set(err, ENOMEM, "task %d: out of memory", t->pid);
	core->mtype = (CoreEntry__March)arch_machine();
	int rc = dump_task_part(d, t, core, err);
	if (rc < 0)
		return rc;
	return image_write_one(d->images_fd, IMG_CORE, (uint64_t)t->vpid, &core->base, err);
}

struct cores {
	const struct dump *d;
	const struct task *t;
};

static int dump_threads(void *ctx, size_t from, size_t to, struct error *err)
{
	const struct cores *c = ctx;
	int rc = 0;
	for (size_t i = from; rc == 0 && i < to; i++)
		rc = dump_thread(c->d, c->t, i, err);
	return rc;
}

int task_dump_cores(struct dump *d, struct task *t, struct error *err)
{
	if (t->state == TASK_ZOMBIE)
		return dump_zombie(d, t, err);
	arch_cpu_probe(&d->cpu);
	int rc = seccomp_number(d, t, err);
	struct cores cores = { d, t };
	size_t nr = t->nr_threads;
	if (rc == 0)
		rc = run_halves(dump_threads, &cores, nr, nr >= THREADS_PAY, err);
	return rc < 0 ? error_wrap(err, rc, TASK_FMT, TASK_ARGS(t)) : ids_dump(d, t, err);
}

static int check_state(const TaskCoreEntry *tc, enum task_state *state, struct error *err)
{
	switch (tc->task_state) {
	case TASK_ALIVE:
	case TASK_STOPPED:
		*state = (enum task_state)tc->task_state;
		return 0;
	case TASK_DEAD:
	case TASK_ZOMBIE:
		*state = TASK_ZOMBIE;
		return 0;
	}
	return error_set(err, EBADMSG, "task_state: unknown state %u", tc->task_state);
}

static int check_task_part(const TaskCoreEntry *tc, struct error *err)
{
	int rc;
	if ((rc = signals_check(tc, err)) < 0 || (rc = timers_check(tc->timers, err)) < 0 ||
	    (rc = limits_check(tc->rlimits, err)) < 0)
		return rc;
	return misc_check(tc, err);
}

static int check_thread_part(const struct arch_cpu *cpu, const CoreEntry *core, struct error *err)
{
	int rc = arch_core_check(cpu, core, err);
	if (rc < 0)
		return rc;
	const ThreadCoreEntry *tc = core->thread_core;
	if (!tc)
		return error_set(err, EBADMSG, "thread_core is missing");
	if ((rc = signals_check_thread(tc, err)) < 0 || (rc = sched_check(tc, err)) < 0 ||
	    (rc = sched_more_check(tc, err)) < 0 || (rc = creds_check(tc->creds, err)) < 0 ||
	    (rc = settings_check(tc, err)) < 0 || (rc = ring_fds_check(tc, err)) < 0)
		return rc;
	return misc_check_thread(tc, err);
}

int core_check(struct rtask *t, size_t i, const struct arch_cpu *cpu, struct error *err)
{
	const CoreEntry *core = t->cores[i];
	if (i == 0 && !core->tc)
		return error_set(err, EBADMSG, "tc is missing");
	int rc = i == 0 ? check_state(core->tc, &t->state, err) : 0;
	if (rc < 0 || t->state == TASK_ZOMBIE)
		return rc;
	rc = check_thread_part(cpu, core, err);
	return rc == 0 && i == 0 ? check_task_part(core->tc, err) : rc;
}

int task_load_cores(struct restore *r, struct rtask *t, struct error *err)
{
	arch_cpu_probe(&r->cpu);
	t->cores = calloc(t->nr_threads, sizeof(*t->cores));
	if (!t->cores)
		return error_set(err, ENOMEM, "task %d: out of memory", t->pid);
	for (size_t i = 0; i < t->nr_threads; i++) {
		/* CRIU's pstree names thread 0 of a zombie. */
		uint32_t tid = i == 0 ? (uint32_t)t->pid : t->tids[i];
		ProtobufCMessage *msg;
		int rc = image_read_pooled(r->images, IMG_CORE, tid, t->messages, &msg, err);
		if (rc < 0)
			return rc;
		t->cores[i] = (CoreEntry *)msg;
		rc = core_check(t, i, &r->cpu, err);
		if (rc < 0)
			return error_wrap(err, rc, "core-%u.img: entry 0", tid);
		if (t->state == TASK_ZOMBIE)
			return 0; /* its threads are gone, its ids too */
	}
	return ids_load(r, t, err);
}

size_t task_args_size(const struct rtask *t)
{
	if (t->state == TASK_ZOMBIE)
		return 0;
	size_t size = (t->nr_threads + 1) * sizeof(struct restorer_thread) + numa_args_size(t);
	for (size_t i = 0; i < t->nr_threads; i++) {
		const ThreadCoreEntry *tc = t->cores[i]->thread_core;
		size += creds_args_size(tc->creds) + signals_args_size(tc->signals_p);
	}
	const TaskCoreEntry *tc = t->cores[0]->tc;
	return size + signals_args_size(tc->signals_s) + timers_args_size(tc->timers) +
	       arch_ldt_count(t->cores[0]) * ARCH_LDT_ENTRY;
}

uint64_t task_sigmask(const struct rtask *t, size_t i)
{
	const ThreadCoreEntry *th = t->cores[i]->thread_core;
	return i > 0 && th->has_blk_sigset ? th->blk_sigset : t->cores[0]->tc->blk_sigset;
}

static int fill_thread(const struct rtask *t, size_t i, struct restorer_thread *out,
		       struct error *err)
{
	const ThreadCoreEntry *tc = t->cores[i]->thread_core;
	struct arch_thread at;
	arch_core_thread(t->cores[i], &at);
	out->tids[0] = rtask_own_tid(t, i);
	for (size_t k = t->nr_levels; k-- > 0;) /* each further out */
		out->tids[t->nr_levels - k] = (int32_t)(k ? t->levels[k - 1].tids : t->tids)[i];
	out->nr_tids = (uint32_t)t->nr_levels + 1;
	out->clear_tid_addr = at.clear_tid_addr;
	out->sigmask = task_sigmask(t, i);
	sched_fill(tc, out);
	settings_fill(tc, out);
	ring_fds_fill(tc, out);
	misc_fill_thread(tc, out);
	numa_fill(t, tc->numa, &out->policy);
	int rc = creds_fill(tc->creds, t->arena, &out->creds, err);
	return rc < 0 ? rc : signals_fill_thread(tc, t->arena, out, err);
}

/*
 * The root's parent is this process, which is about to end: the signal would come at once. Who
 * asked for a sibling is its parent, and stays.
 */
static void drop_death_signal(const struct restore *r, const struct rtask *t,
			      struct restorer_args *args)
{
	if (t != r->root || !r->opts->restore_detached || r->opts->restore_sibling)
		return;
	int32_t dropped = 0;
	for (uint32_t i = 0; i < args->nr_threads; i++) {
		if (args->threads[i].pdeath_signal)
			dropped = args->threads[i].pdeath_signal;
		args->threads[i].pdeath_signal = 0;
	}
	if (dropped)
		log_warn(TASK_FMT ": its death signal %d (PR_SET_PDEATHSIG) is not set, as its "
				  "parent, this process, ends: restore it without -d for that",
			 RTASK_ARGS(t), dropped);
}

/* Images tell the thread a timer signals as the root's pid namespace numbers it. */
static void own_ids(const struct rtask *t, struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_timers; i++)
		for (size_t k = 0; t->nr_levels && k < t->nr_threads; k++)
			if (args->timers[i].notify_tid == (int32_t)t->tids[k]) {
				args->timers[i].notify_tid = rtask_own_tid(t, k);
				break;
			}
}

_Static_assert(RESTORER_LDT_ENTRY == ARCH_LDT_ENTRY, "one fills what the other takes");

static int fill_ldt(const struct rtask *t, struct restorer_args *args, struct error *err)
{
	args->nr_ldt = (uint32_t)arch_ldt_count(t->cores[0]);
	if (!args->nr_ldt)
		return 0;
	args->ldt = arena_alloc(t->arena, args->nr_ldt * (size_t)ARCH_LDT_ENTRY, 8);
	if (!args->ldt)
		return error_set(err, ENOMEM, "the arena is full");
	arch_ldt_entries(t->cores[0], args->ldt);
	return 0;
}

int task_fill_args(struct restore *r, struct rtask *t, struct restorer_args *args,
		   struct error *err)
{
	const TaskCoreEntry *tc = t->cores[0]->tc;
	args->nr_threads = (uint32_t)t->nr_threads;
	label_fill(r, args);
	args->threads = arena_alloc(t->arena, t->nr_threads * sizeof(*args->threads), 8);
	if (!args->threads)
		return error_set(err, ENOMEM, "task %d: the arena is full", t->pid);
	for (size_t i = 0; i < t->nr_threads; i++) {
		int rc = fill_thread(t, i, &args->threads[i], err);
		if (rc < 0)
			return error_wrap(err, rc, "thread %u", t->tids[i]);
	}
	int rc;
	if ((rc = signals_fill(tc, t->arena, args, err)) < 0 ||
	    (rc = timers_fill(tc->timers, t->arena, args, err)) < 0 ||
	    (rc = limits_fill(tc->rlimits, args, err)) < 0 || (rc = fill_ldt(t, args, err)) < 0 ||
	    (rc = seccomp_fill(r, t, args, err)) < 0)
		return error_wrap(err, rc, TASK_FMT, RTASK_ARGS(t));
	own_ids(t, args);
	userns_fill_args(r, t, args);
	drop_death_signal(r, t, args);
	return misc_fill(t, args, err);
}
