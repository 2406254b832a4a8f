/* SPDX-License-Identifier: MIT
 * Two streams of bytes side by side.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/** @return bytes, 0 at the end, -errno */
typedef ssize_t stream_read_fn(void *from, void *buf, size_t len, struct error *err);

/** @return bytes, less than len only at the end; -errno */
ssize_t stream_read_full(stream_read_fn *read, void *from, char *buf, size_t len,
			 struct error *err);
/**
 * A number that stands for the bytes, modulo the prime 2^61 - 1: they are a polynomial, taken at a
 * point. Where nobody knows it beforehand, two streams of one length share it once in 2^63 /
 * length.
 */
int stream_digest(stream_read_fn *read, void *from, uint64_t point, uint64_t *out,
		  struct error *err);
/** @return 1 different, with the offset of the first byte that is; 0 same; -errno */
int streams_compare(stream_read_fn *read, void *a, void *b, uint64_t *offset, struct error *err);
