/* SPDX-License-Identifier: MIT
 * The task's half of a core image, into the restorer's arguments.
 */
#pragma once

#include "base/error.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "task.pb-c.h"

struct restorer_args;

/**
 * core-TID.img of every thread and ids-PID.img. Runs after the freeze, when the parasite has
 * answered. Objects no one gave an id yet (task.vm_id … are 0) get one from d->next_object_id.
 */
int task_dump_cores(struct dump *d, struct task *t, struct error *err);
/** inventory_entry.root_ids: what the engine itself lives in. `ids` is initialised before. */
void task_root_ids(TaskKobjIdsEntry *ids);

/** Read and check core-TID.img of every thread into t->cores, t->ids and t->state. */
int task_load_cores(struct restore *r, struct rtask *t, struct error *err);
void sched_host_read(struct sched_host *out);
/** Scheduling that is set from outside, when all threads wait in their places. */
int sched_set_more(struct restore *r, struct error *err);
/** Bytes of the arena that task_fill_args() takes. @param t  loaded */
size_t task_args_size(const struct rtask *t);
/**
 * Registers, signals, timers, limits, credentials … in the task itself, into its arena; sets
 * its oom_score_adj and login id at once, but for a late child. restorer_thread.stack_top is left
 * to the caller.
 */
int task_fill_args(struct restore *r, struct rtask *t, struct restorer_args *args,
		   struct error *err);
/**
 * Has a task what only the task itself sets through /proc/self (task_fill_args()) from its parent,
 * as children do?
 */
bool task_state_is_parents(const struct rtask *t, const struct rtask *parent);
/** Signals blocked in thread i, as the image says. */
uint64_t task_sigmask(const struct rtask *t, size_t i);
