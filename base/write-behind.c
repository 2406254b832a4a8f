/* SPDX-License-Identifier: MIT
 * Long outputs: a second thread writes one piece while the next is made.
 */
#include "base/write-behind.h"

#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/page.h"
#include "base/worker.h"

#define PIECES_ALONE 4 /* an output of fewer is not worth a thread */
#define NR_PIECES    4 /* on their way: neither side sleeps for every single one */

struct write_behind {
	int fd;
	unsigned nr_alone; /* pieces written without a thread */
	bool together;     /* there is one */
	/* A ring: each belongs to the thread between `full` and `empty`. */
	struct piece {
		char *buf;
		size_t len, cap; /* no bytes: the end */
	} pieces[NR_PIECES];
	unsigned next;    /* to be handed over */
	atomic_int error; /* of the thread */
	sem_t full, empty;
	struct worker worker;
};

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem) < 0)
		;
}

static int write_pieces(void *ctx, struct error *err)
{
	struct write_behind *b = ctx;
	sigset_t broken_pipe;

	(void)err; /* told to who hands over the next piece */
	/* a reader that went away ends the program, as it would without the thread */
	sigemptyset(&broken_pipe);
	sigaddset(&broken_pipe, SIGPIPE);
	pthread_sigmask(SIG_UNBLOCK, &broken_pipe, NULL);
	for (unsigned i = 0;; i = (i + 1) % NR_PIECES) {
		const struct piece *p = &b->pieces[i];
		wait_for(&b->full);
		if (!p->len)
			return 0;
		int rc = b->error ? 0 : fd_write_full(b->fd, p->buf, p->len);
		if (rc < 0)
			b->error = rc;
		sem_post(&b->empty);
	}
}

struct write_behind *write_behind_new(int fd)
{
	struct write_behind *b = calloc(1, sizeof(*b));
	if (b)
		b->fd = fd;
	return b;
}

/* Of a device there is nothing to wait for. */
static bool thread_pays(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && !S_ISCHR(st.st_mode);
}

static void thread_start(struct write_behind *b, size_t cap)
{
	const struct part part = { write_pieces, b };
	for (unsigned i = 0; i < NR_PIECES; i++) {
		b->pieces[i] = (struct piece){ .buf = io_buffer(cap), .cap = cap };
		if (!b->pieces[i].buf)
			return;
	}
	sem_init(&b->full, 0, 0);
	sem_init(&b->empty, 0, NR_PIECES);
	b->together = worker_start(&b->worker, &part);
}

/* The whole pages of a buffer for an empty one, which gets the rest. */
static int hand_over(struct write_behind *b, char **buf, size_t len, size_t *cap)
{
	struct piece *p = &b->pieces[b->next];
	struct piece full = { *buf, len / PAGE * PAGE, *cap };

	wait_for(&b->empty);
	*buf = p->buf;
	*cap = p->cap;
	memcpy(*buf, full.buf + full.len, len - full.len);
	*p = full;
	b->next = (b->next + 1) % NR_PIECES;
	int rc = b->error;
	sem_post(&b->full);
	return rc;
}

int write_behind_pages(struct write_behind *b, char **buf, size_t *len, size_t *cap)
{
	size_t rest = *len % PAGE, whole = *len - rest;
	int rc;

	if (!whole)
		return 0;
	if (!b->together && b->nr_alone++ == PIECES_ALONE && thread_pays(b->fd))
		thread_start(b, *cap);
	if (b->together) {
		rc = hand_over(b, buf, *len, cap);
	} else {
		rc = fd_write_full(b->fd, *buf, whole);
		memmove(*buf, *buf + whole, rest);
	}
	*len = rest;
	return rc;
}

/* Until the thread has nothing left to do. */
static void wait_until_written(struct write_behind *b)
{
	for (unsigned i = 0; b->together && i < NR_PIECES; i++)
		wait_for(&b->empty);
}

int write_behind_all(struct write_behind *b, const char *buf, size_t len)
{
	wait_until_written(b);
	for (unsigned i = 0; b->together && i < NR_PIECES; i++)
		sem_post(&b->empty);
	return b->error ? b->error : fd_write_full(b->fd, buf, len);
}

void write_behind_free(struct write_behind *b)
{
	if (!b)
		return;
	if (b->together) {
		wait_until_written(b);
		b->pieces[b->next].len = 0;
		sem_post(&b->full);
		worker_end(&b->worker, NULL);
		sem_destroy(&b->full);
		sem_destroy(&b->empty);
	}
	for (unsigned i = 0; i < NR_PIECES; i++)
		free(b->pieces[i].buf);
	free(b);
}
