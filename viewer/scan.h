/* SPDX-License-Identifier: MIT
 * Looking through bytes, a piece at a time. What cannot be read is passed over and remembered.
 */
#pragma once

#include "convert/memory/search.h"
#include "viewer/bytes.h"

enum { SCAN_PIECE = 1 << 20 };

struct scan {
	struct bytes *bytes;
	uint8_t *buf, *known;
	size_t overlap;
	uint64_t at; /* of buf[0] */
	size_t len;  /* of this piece; matches begin in it */
	size_t more; /* read behind it, for matches that begin in it */
	bool failed; /* the pattern cannot be matched here; the job's error says why */
};

/** @param b  NULL: set later; @param pattern  NULL: none; @return 0 or -ENOMEM */
int scan_init(struct scan *scan, struct bytes *b, const struct pattern *pattern);
void scan_fini(struct scan *scan);
/** The piece at an address, at most up to `end`. */
void scan_load(struct scan *scan, uint64_t at, uint64_t end);
/**
 * The next match in the piece, of bytes that are all known.
 * @param from  where to look, 0 at first; moved on; @param start  of it, counted from scan->at
 */
bool scan_next(struct scan *scan, struct pattern *pattern, size_t *from, size_t *start, size_t *len,
	       struct error *err);
