/* SPDX-License-Identifier: MIT
 * Two streams of bytes side by side.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/** @return bytes, 0 at the end, -errno */
typedef ssize_t stream_read_fn(void *from, void *buf, size_t len, struct error *err);

/* Where bytes come from. */
struct stream_kind {
	stream_read_fn *read;
	uint64_t (*hole)(void *from); /* how long one comes next, 0: none. NULL: has none */
	void (*pass)(void *from, uint64_t len); /* over one, or part of it */
};

/** @return bytes, less than len only at the end; -errno */
ssize_t stream_read_full(stream_read_fn *read, void *from, char *buf, size_t len,
			 struct error *err);
/**
 * A number that stands for the bytes, modulo the prime 2^61 - 1: they are a polynomial, taken at a
 * point. Where nobody knows it beforehand, two streams of one length share it once in 2^63 /
 * length.
 * @param kind  with holes
 */
int stream_digest(const struct stream_kind *kind, void *from, uint64_t point, uint64_t *out,
		  struct error *err);
/** @return 1 different, with the offset of the first byte that is; 0 same; -errno */
int streams_compare(const struct stream_kind *kind, void *a, void *b, uint64_t *offset,
		    struct error *err);
