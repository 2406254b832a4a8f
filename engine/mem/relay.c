/* SPDX-License-Identifier: MIT
 * Two buffers that go round between a reader and a writer.
 */
#include "engine/mem/relay.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/io.h"
#include "base/worker.h"

#define BUFFERS 2
#define SMALL   (128u << 10) /* bytes up to which memory that was used before does */

struct round {
	const struct relay *r;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	char *bufs;
	int64_t len[BUFFERS]; /* -1: empty; 0: the end */
	bool over;            /* the writer wants no more */
};

static int64_t read_one(const struct round *round, unsigned i, struct error *err)
{
	const struct relay *r = round->r;
	return r->read(r->ctx, round->bufs + i * r->room, r->room, err);
}

static int write_one(const struct round *round, unsigned i, struct error *err)
{
	const struct relay *r = round->r;
	return r->write(r->ctx, round->bufs + i * r->room, (uint64_t)round->len[i], err);
}

static int read_all(void *ctx, struct error *err)
{
	struct round *round = ctx;
	int64_t len = 1;

	for (unsigned i = 0; len > 0; i = (i + 1) % BUFFERS) {
		pthread_mutex_lock(&round->lock);
		while (round->len[i] >= 0 && !round->over)
			pthread_cond_wait(&round->moved, &round->lock);
		bool over = round->over;
		pthread_mutex_unlock(&round->lock);
		if (over)
			break;
		len = read_one(round, i, err);
		pthread_mutex_lock(&round->lock);
		round->len[i] = len > 0 ? len : 0;
		pthread_cond_signal(&round->moved);
		pthread_mutex_unlock(&round->lock);
	}
	return len < 0 ? (int)len : 0;
}

static int write_all(struct round *round, struct error *err)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0; i = (i + 1) % BUFFERS) {
		pthread_mutex_lock(&round->lock);
		while (round->len[i] < 0)
			pthread_cond_wait(&round->moved, &round->lock);
		pthread_mutex_unlock(&round->lock);
		if (round->len[i] == 0)
			break;
		rc = write_one(round, i, err);
		pthread_mutex_lock(&round->lock);
		round->len[i] = -1;
		round->over = rc < 0;
		pthread_cond_signal(&round->moved);
		pthread_mutex_unlock(&round->lock);
	}
	return rc;
}

static int in_turn(struct round *round, struct error *err)
{
	int rc = 0;

	while (rc == 0 && (round->len[0] = read_one(round, 0, err)) > 0)
		rc = write_one(round, 0, err);
	return rc < 0 ? rc : (int)round->len[0];
}

static int together(struct round *round, struct error *err)
{
	const struct part reading = { read_all, round };
	struct worker reader;
	struct error late;

	if (!worker_start(&reader, &reading))
		return in_turn(round, err);
	int rc = write_all(round, err);
	int left = worker_end(&reader, rc < 0 ? &late : err);
	return rc < 0 ? rc : left;
}

int relay_run(const struct relay *r, struct error *err)
{
	uint64_t size = r->room * (r->two ? BUFFERS : 1);
	struct round round = { .r = r,
			       .lock = PTHREAD_MUTEX_INITIALIZER,
			       .moved = PTHREAD_COND_INITIALIZER,
			       .len = { -1, -1 } };

	bool small = size <= SMALL;
	round.bufs = small ? io_buffer(size)
			   : mmap(NULL, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (!round.bufs || round.bufs == MAP_FAILED)
		return error_sys(err, "allocate a page buffer");
	int rc = r->two ? together(&round, err) : in_turn(&round, err);
	if (small)
		free(round.bufs);
	else
		munmap(round.bufs, size);
	return rc;
}
