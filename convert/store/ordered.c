/* SPDX-License-Identifier: MIT
 * Threads that take pieces in turn, work side by side and give results in turn.
 */
#include "convert/store/ordered.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { THREADS_MAX = 64, THREADS_DEFAULT_MAX = 16 };

struct ordered {
	const struct ordered_ops *ops;
	void *ctx;
	pthread_mutex_t take_lock, give_lock;
	pthread_cond_t turn;
	uint64_t next_take; /* under take_lock */
	bool ended;
	uint64_t next_give; /* under give_lock */
	int rc;             /* the first failure; err goes with it */
	struct error *err;
};

unsigned ordered_threads(uint64_t wanted)
{
	if (wanted)
		return wanted < THREADS_MAX ? (unsigned)wanted : THREADS_MAX;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	if (online < 1)
		return 1;
	return online < THREADS_DEFAULT_MAX ? (unsigned)online : THREADS_DEFAULT_MAX;
}

static void fail(struct ordered *o, int rc, const struct error *why)
{
	pthread_mutex_lock(&o->give_lock);
	if (o->rc == 0) {
		o->rc = rc;
		if (o->err)
			*o->err = *why;
	}
	pthread_cond_broadcast(&o->turn);
	pthread_mutex_unlock(&o->give_lock);
}

static int take(struct ordered *o, void *slot, uint64_t *number, struct error *err)
{
	pthread_mutex_lock(&o->take_lock);
	int rc = o->ended ? 0 : o->ops->take(o->ctx, slot, err);
	if (rc == 1)
		*number = o->next_take++;
	else
		o->ended = true;
	pthread_mutex_unlock(&o->take_lock);
	return rc;
}

/* @return 0; -errno; -ECANCELED when another thread failed */
static int give(struct ordered *o, void *slot, uint64_t number, struct error *err)
{
	pthread_mutex_lock(&o->give_lock);
	while (o->next_give != number && o->rc == 0)
		pthread_cond_wait(&o->turn, &o->give_lock);
	int rc = o->rc == 0 ? o->ops->give(o->ctx, slot, err) : -ECANCELED;
	o->next_give++;
	pthread_cond_broadcast(&o->turn);
	pthread_mutex_unlock(&o->give_lock);
	return rc;
}

static void *work(void *arg)
{
	struct ordered *o = arg;
	struct error err = { 0 };
	void *slot = o->ops->slot_new(o->ctx);
	int rc = slot ? 1 : error_set(&err, ENOMEM, "out of memory");
	while (rc == 1) {
		uint64_t number = 0;
		rc = take(o, slot, &number, &err);
		if (rc != 1)
			break;
		rc = o->ops->work(o->ctx, slot, &err);
		if (rc == 0)
			rc = give(o, slot, number, &err);
		rc = rc == 0 ? 1 : rc;
	}
	if (rc < 0)
		fail(o, rc, &err);
	if (slot)
		o->ops->slot_free(slot);
	return NULL;
}

int ordered_run(const struct ordered_ops *ops, void *ctx, unsigned nr_threads, struct error *err)
{
	struct ordered o = { .ops = ops, .ctx = ctx, .err = err };
	pthread_mutex_init(&o.take_lock, NULL);
	pthread_mutex_init(&o.give_lock, NULL);
	pthread_cond_init(&o.turn, NULL);
	pthread_t threads[THREADS_MAX];
	unsigned nr = 0;
	/* This thread is one of them; fewer than wanted do the work too. */
	while (nr + 1 < nr_threads && nr < THREADS_MAX &&
	       pthread_create(&threads[nr], NULL, work, &o) == 0)
		nr++;
	work(&o);
	for (unsigned i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	pthread_cond_destroy(&o.turn);
	pthread_mutex_destroy(&o.give_lock);
	pthread_mutex_destroy(&o.take_lock);
	return o.rc;
}
