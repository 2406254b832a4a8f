/* SPDX-License-Identifier: MIT
 * Asking tasks what only their inside knows, and leaving nothing behind.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/file.h"
#include "engine/trace/collect.h"
#include "engine/trace/trace.h"
#include "engine/trace/visit.h"

#define SIDE_BY_SIDE 32 /* visits at a time: each holds a descriptor */

/* Every step is taken with all tasks before the next: while one is waited for, the others run. */
static int (*const steps[])(struct visit *v, struct error *err) = {
	visit_start, visit_advance, visit_load,   visit_advance, visit_ask,
	visit_hear,  visit_threads, visit_recall, visit_dismiss, visit_advance,
	visit_unmap, visit_advance, visit_end,
};

static int interrogate(struct visit *visits, size_t nr, struct error *err)
{
	for (size_t s = 0; s < ARRAY_SIZE(steps); s++) {
		for (size_t i = 0; i < nr; i++) {
			int rc = steps[s](&visits[i], err);
			if (rc < 0)
				return error_wrap(err, rc, TASK_FMT, TASK_ARGS(visits[i].task));
		}
	}
	return 0;
}

/* At most so many. */
static size_t nr_open(const struct task *t)
{
	struct stat st;
	if (fstatat(t->proc_fd, "fd", &st, 0) == 0 && st.st_size > 0) /* since Linux 6.2 */
		return (size_t)st.st_size;
	return t->status.fd_size > 0 ? (size_t)t->status.fd_size : 0;
}

/* Asking takes a system call for every number there may be: for many, that saves reading fdinfo. */
static bool are_many_open(const struct dump *d)
{
	size_t nr = 0;
	for (size_t i = 0; nr < LOCK_LIST_PAYS && i < d->nr_tasks; i++)
		nr += d->tasks[i]->state == TASK_ZOMBIE ? 0 : nr_open(d->tasks[i]);
	return nr >= LOCK_LIST_PAYS;
}

/* @param plan  what is the same for all */
static int interrogate_some(struct task **tasks, size_t nr, const struct visit *plan,
			    struct error *err)
{
	struct visit visits[SIDE_BY_SIDE];
	for (size_t i = 0; i < nr; i++) {
		visits[i] = *plan;
		visits[i].task = tasks[i];
	}
	int rc = interrogate(visits, nr, err);
	for (size_t i = 0; rc < 0 && i < nr; i++)
		visit_abort(&visits[i]);
	/* What was sent to them meanwhile waits in their queues. */
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = trace_peek_signals(tasks[i], err);
	return rc;
}

/* Children, of whose stop their parents may know. */
static size_t find_stopped(const struct dump *d, struct task **out)
{
	size_t nr = 0;
	for (size_t i = 0; i < d->nr_tasks; i++)
		if (d->tasks[i]->state == TASK_STOPPED && d->tasks[i]->parent)
			out[nr++] = d->tasks[i];
	return nr;
}

int trace_interrogate(struct dump *d, struct error *err)
{
	auto_free struct task **stopped = calloc(d->nr_tasks, sizeof(struct task *));
	if (!stopped)
		return error_set(err, ENOMEM, "out of memory");
	const struct visit plan = { .sock = -1,
				    .tell_fds = are_many_open(d),
				    .stopped = stopped,
				    .nr_stopped = find_stopped(d, stopped) };
	size_t next = 0;
	int rc = 0;
	while (rc == 0 && next < d->nr_tasks) {
		struct task *alive[SIDE_BY_SIDE];
		size_t nr = 0;
		for (; nr < SIDE_BY_SIDE && next < d->nr_tasks; next++) {
			if (d->tasks[next]->state != TASK_ZOMBIE)
				alive[nr++] = d->tasks[next];
		}
		rc = interrogate_some(alive, nr, &plan, err);
	}
	return rc;
}
