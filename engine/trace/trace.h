/* SPDX-License-Identifier: MIT
 * Freezing a tree, running code inside it, letting it go again.
 */
#pragma once

#include "base/error.h"
#include "engine/context/dump.h"

/**
 * Seize and stop every task and thread below `root`, until no new one appears; fill d->tasks
 * with what /proc and ptrace tell from outside. On failure everything runs again.
 */
int trace_freeze(struct dump *d, pid_t root, struct error *err);

/**
 * Load the parasite into every task, fill t->inside and threads[].inside, take it out again; all
 * stay stopped. After a failure a release lets everything run on.
 */
int trace_interrogate(struct dump *d, struct error *err);

enum trace_end { TRACE_RESUME, TRACE_STOP, TRACE_KILL };
/** Let every task go; safe after any failure, and twice. */
void trace_release(struct dump *d, enum trace_end how);
/**
 * After TRACE_KILL: wait until the tasks have ended, as their ports, locks and mounts are only free
 * then. Bounded in time.
 */
void trace_await_death(struct dump *d);
