/* SPDX-License-Identifier: MIT
 */
#include "base/pool.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK     ((size_t)16 << 10) /* bytes, with its head: of the first one, */
#define CHUNK_MAX ((size_t)1 << 20)  /* and of others, twice as large as the one before each */

struct pool_chunk {
	struct pool_chunk *older;
	size_t room; /* bytes of data */
	alignas(max_align_t) char data[];
};

static bool add_chunk(struct pool *p, size_t size)
{
	size_t whole = p->chunks ? 2 * (p->chunks->room + sizeof(struct pool_chunk)) : CHUNK;
	size_t room = (whole > CHUNK_MAX ? CHUNK_MAX : whole) - sizeof(struct pool_chunk);
	if (size > room)
		room = size;
	struct pool_chunk *c = room < PTRDIFF_MAX / 4 ? calloc(1, sizeof(*c) + room) : NULL;
	if (!c)
		return false;
	c->older = p->chunks;
	c->room = room;
	p->chunks = c;
	p->at = c->data;
	p->left = room;
	p->again = false;
	return true;
}

void *pool_alloc(struct pool *p, size_t size)
{
	size_t unit = alignof(max_align_t);
	size_t whole = size ? (size + unit - 1) & ~(unit - 1) : unit;

	if (whole < size || (whole > p->left && !add_chunk(p, whole)))
		return NULL;
	void *at = p->at;
	p->at += whole;
	p->left -= whole;
	return p->again ? memset(at, 0, size) : at;
}

static void free_chunks(struct pool_chunk *c)
{
	while (c) {
		struct pool_chunk *older = c->older;
		free(c);
		c = older;
	}
}

void pool_reset(struct pool *p)
{
	struct pool_chunk *last = p->chunks;

	if (!last)
		return;
	if (last->older) { /* one was not enough: the first, of usual size, is as good as any */
		pool_fini(p);
		return;
	}
	p->left += (size_t)(p->at - last->data);
	p->at = last->data;
	p->again = true;
}

void pool_fini(struct pool *p)
{
	free_chunks(p->chunks);
	*p = (struct pool){ 0 };
}
