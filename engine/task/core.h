/* SPDX-License-Identifier: MIT
 * The task's half of a core image, into the restorer's arguments.
 */
#pragma once

#include "base/error.h"
#include "engine/dump.h"
#include "engine/restore.h"

struct restorer_args;

/** core-TID.img of every thread, ids included. Runs after the freeze, parasite answers are in. */
int task_dump_cores(struct dump *d, struct task *t, struct error *err);
/** Read and check core-TID.img of every thread into t->cores. */
int task_load_cores(struct restore *r, struct rtask *t, struct error *err);
/** Registers, signals, timers, limits, credentials … in the task, into its arena. */
int task_fill_args(struct restore *r, struct rtask *t, struct restorer_args *args,
		   struct error *err);
