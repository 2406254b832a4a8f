/* SPDX-License-Identifier: MIT
 * Memory for many small things that go together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* All zeros: empty. */
struct pool {
	struct pool_chunk *chunks; /* the newest first */
	char *at;                  /* free in that */
	size_t left;
	bool again; /* something may have been written there before */
};

/** Zeroed and aligned for anything. @return NULL: out of memory */
void *pool_alloc(struct pool *p, size_t size);
/** All that was taken is gone; what the next ones need mostly stays at hand. */
void pool_reset(struct pool *p);
void pool_fini(struct pool *p);
