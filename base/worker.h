/* SPDX-License-Identifier: MIT
 * A second thread for a while, and gone without a trace afterwards.
 */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "base/error.h"

/* Something to do; 0 or -errno. */
struct part {
	int (*run)(void *ctx, struct error *err);
	void *ctx;
};

struct worker {
	pthread_t id;
	struct part part;
	sem_t begun;
	pid_t tid;  /* these two set by the thread, before `begun` */
	bool apart; /* from the directories of the others */
	int rc;
	struct error err;
};

/** Let a thread that takes no signals, and has a working directory of its own, do it. @return
 * false: there can be no thread */
bool worker_start(struct worker *t, const struct part *part);
/**
 * Wait for its end: the process has one thread fewer then, for the kernel as well (setns(2) and
 * unshare(2) count them). @return what the part returned
 */
int worker_end(struct worker *t, struct error *err);

/**
 * Two parts of one job, which share nothing they write to, at the same time: one here, the other in
 * a thread; one after the other when `two` is false or there can be no thread.
 * @return 0; the error of the first that failed, but both have ended
 */
int run_both(const struct part *here, const struct part *there, bool two, struct error *err);

/* So many tasks of a tree, or threads of a task, are quicker looked at by two. */
#define TASKS_PAY   8
#define THREADS_PAY 64

/**
 * The same for items 0 to nr - 1 that know nothing of each other: one half each.
 * @param run  does those from `from` on, up to but without `to`
 */
int run_halves(int (*run)(void *ctx, size_t from, size_t to, struct error *err), void *ctx,
	       size_t nr, bool two, struct error *err);
