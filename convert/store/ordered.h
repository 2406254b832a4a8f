/* SPDX-License-Identifier: MIT
 * Work on the pieces of a stream by several threads, the results given out in order.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct ordered_ops {
	/** Buffers of one thread; NULL: out of memory. */
	void *(*slot_new)(void *ctx);
	void (*slot_free)(void *slot);
	/** Read the next piece: one thread at a time. @return 1; 0 at the end; -errno */
	int (*take)(void *ctx, void *slot, struct error *err);
	/** What takes time: all threads at once. */
	int (*work)(void *ctx, void *slot, struct error *err);
	/** Write the result: one thread at a time, in the order of take(). */
	int (*give)(void *ctx, void *slot, struct error *err);
};

/** Threads for `wanted`; 0: as many as there are processors, at most 16. */
unsigned ordered_threads(uint64_t wanted);
/** @return 0, or the first failure. */
int ordered_run(const struct ordered_ops *ops, void *ctx, unsigned nr_threads, struct error *err);
