/* SPDX-License-Identifier: MIT
 * A second thread for a while.
 */
#include "base/worker.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *work(void *arg)
{
	struct worker *t = arg;

	t->tid = (pid_t)syscall(SYS_gettid);
	/* who shares directories with another may enter no mount namespace */
	t->apart = unshare(CLONE_FS) == 0;
	sem_post(&t->begun);
	if (!t->apart)
		return NULL;
	t->rc = t->part.run(t->part.ctx, &t->err);
	return NULL;
}

bool worker_start(struct worker *t, const struct part *part)
{
	sigset_t all, before;

	*t = (struct worker){ .part = *part };
	sem_init(&t->begun, 0, 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&t->id, NULL, work, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		while (sem_wait(&t->begun) < 0)
			;
	if (rc == 0 && !t->apart)
		pthread_join(t->id, NULL);
	return rc == 0 && t->apart;
}

int worker_end(struct worker *t, struct error *err)
{
	pthread_join(t->id, NULL);
	sem_destroy(&t->begun);
	/* The kernel says so early in its end, when it still counts as a user of what is shared. */
	while (syscall(SYS_tgkill, getpid(), t->tid, 0) == 0)
		sched_yield();
	return t->rc < 0 ? error_set(err, t->rc, "%s", t->err.text) : 0;
}

int run_both(const struct part *here, const struct part *there, bool two, struct error *err)
{
	struct worker other;
	struct error late;

	two = two && worker_start(&other, there);
	int rc = here->run(here->ctx, err);
	if (two) {
		int theirs = worker_end(&other, rc < 0 ? &late : err);
		return rc < 0 ? rc : theirs;
	}
	return rc < 0 ? rc : there->run(there->ctx, err);
}

struct half {
	int (*run)(void *ctx, size_t from, size_t to, struct error *err);
	void *ctx;
	size_t from, to;
};

static int run_half(void *ctx, struct error *err)
{
	const struct half *h = ctx;

	return h->run(h->ctx, h->from, h->to, err);
}

int run_halves(int (*run)(void *ctx, size_t from, size_t to, struct error *err), void *ctx,
	       size_t nr, bool two, struct error *err)
{
	struct half first = { run, ctx, 0, nr / 2 }, second = { run, ctx, nr / 2, nr };
	const struct part here = { run_half, &first }, there = { run_half, &second };

	return run_both(&here, &there, two, err);
}
