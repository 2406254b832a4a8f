/* SPDX-License-Identifier: MIT
 * One thread reads while the other writes: bytes that are copied twice on their way take no longer
 * than the slower copy.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct relay {
	void *ctx;
	/** Fill up to `room` bytes of `buf`. @return how many, 0 at the end, -errno */
	int64_t (*read)(void *ctx, void *buf, uint64_t room, struct error *err);
	/** In the thread that called relay_run(). @return 0 or -errno */
	int (*write)(void *ctx, const void *buf, uint64_t len, struct error *err);
	uint64_t room; /* bytes of one buffer */
	bool two;      /* threads; else one after the other */
};

/** Until the end, or the first error of either. read() takes no signals. @return 0 or -errno */
int relay_run(const struct relay *r, struct error *err);
