/* SPDX-License-Identifier: MIT
 * The threads of one task under our ptrace: seizing, waiting for their stops, letting go.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct seized {
	pid_t tid;
	enum { SEIZED_PENDING, SEIZED_STOPPED, SEIZED_GONE } state;
	int group_stop; /* the signal of a group stop it was found in, or 0 */
};

struct trace {
	pid_t pid;
	struct seized *items; /* the leader first */
	size_t nr, cap;
	size_t last_found; /* /proc lists threads in a steady order: the next is likely here */
	int owed_stop;     /* a stop signal that arrived while code was injected, or 0 */
};

struct trace *trace_new(pid_t pid);
void trace_free(struct trace *tr);

/**
 * Seize a thread and ask it to stop, without waiting. Known ones are left alone.
 * @return 1 when it is new; 0 when it is known or gone; -errno naming why it cannot be traced
 */
int trace_seize(struct trace *tr, pid_t tid, struct error *err);

/** "pid 5 (sleep)", for messages about a task that is not collected yet. @return out */
const char *trace_name(pid_t pid, char out[32]);
/** @return -ENOTSUP with its message: a task whose first thread has exited is not dumped */
int trace_refuse_headless(pid_t pid, struct error *err);
/**
 * Wait until every thread asked to stop has stopped or exited.
 * @param deadline_ms  of clock_ms(); @return 0; -ETIMEDOUT naming the thread and its state;
 *         -EAGAIN: it waits for a vfork, whose child may be one that we stopped
 */
int trace_wait_all(struct trace *tr, int64_t deadline_ms, struct error *err);

/** Detach every stopped thread; they go on as their registers say. */
void trace_detach(struct trace *tr);
/** Detach those that were still to stop, once they do. */
void trace_detach_late(struct trace *tr, int64_t deadline_ms);
/**
 * Wait until every thread of a task that was killed has ended.
 * @return 0; -ETIMEDOUT
 */
int trace_wait_dead(struct trace *tr, int64_t deadline_ms);

/**
 * Wait for the next stop of one thread. SIGCHLD is blocked in this process.
 * @return 0; -ESRCH: it exited; -ETIMEDOUT
 */
int trace_wait_stop(pid_t tid, int *status, int64_t deadline_ms);
