/* SPDX-License-Identifier: MIT
 */
#include "base/pool.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)16 << 10) /* bytes, with its head */

struct pool_chunk {
	struct pool_chunk *older;
	alignas(max_align_t) char data[];
};

static bool add_chunk(struct pool *p, size_t size)
{
	size_t room = CHUNK - sizeof(struct pool_chunk);
	if (size > room)
		room = size;
	struct pool_chunk *c = room < PTRDIFF_MAX - CHUNK ? malloc(sizeof(*c) + room) : NULL;
	if (!c)
		return false;
	c->older = p->chunks;
	p->chunks = c;
	p->at = c->data;
	p->left = room;
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
	return memset(at, 0, size);
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
}

void pool_fini(struct pool *p)
{
	free_chunks(p->chunks);
	*p = (struct pool){ 0 };
}
