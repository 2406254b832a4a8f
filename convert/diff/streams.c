/* SPDX-License-Identifier: MIT
 * Two streams of bytes side by side.
 */
#include "convert/diff/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { STREAM_PIECE = 64 * 1024 };

ssize_t stream_read_full(stream_read_fn *read, void *from, char *buf, size_t len, struct error *err)
{
	size_t got = 0;
	while (got < len) {
		ssize_t n = read(from, buf + got, len - got, err);
		if (n < 0)
			return n;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static uint64_t digest_add(uint64_t digest, const char *bytes, size_t len, uint64_t point)
{
	const uint64_t prime = (UINT64_C(1) << 61) - 1;
	for (size_t i = 0; i < len; i += sizeof(uint32_t)) {
		uint32_t word;
		memcpy(&word, bytes + i, sizeof(word));
		unsigned __int128 product = (unsigned __int128)(digest + word + 1) * point;
		digest = (uint64_t)(product & prime) + (uint64_t)(product >> 61);
		digest -= digest >= prime ? prime : 0;
	}
	return digest;
}

static bool is_zero(const char *bytes, size_t len)
{
	return !len || (!*bytes && !memcmp(bytes, bytes + 1, len - 1));
}

/* Pieces of zeros do not count, so that holes need not be read; others with their place. */
int stream_digest(const struct stream_kind *kind, void *from, uint64_t point, uint64_t *out,
		  struct error *err)
{
	auto_free char *bytes = malloc(STREAM_PIECE);
	uint64_t digest = 0, piece = 0;
	if (!bytes)
		return error_set(err, ENOMEM, "out of memory");
	for (ssize_t n = STREAM_PIECE; n == STREAM_PIECE; piece++) {
		uint64_t hole = kind->hole(from) / STREAM_PIECE;
		kind->pass(from, hole * STREAM_PIECE);
		piece += hole;
		n = stream_read_full(kind->read, from, bytes, STREAM_PIECE, err);
		if (n < 0)
			return (int)n;
		if (is_zero(bytes, (size_t)n))
			continue;
		memset(bytes + n, 0, (size_t)-n % sizeof(uint32_t));
		digest = digest_add(digest, (const char *)&piece, sizeof(piece), point);
		digest = digest_add(digest, bytes, (size_t)n, point);
	}
	*out = digest;
	return 0;
}

/* Whole pieces that are holes on both sides. */
static uint64_t pass_holes(const struct stream_kind *kind, void *a, void *b)
{
	uint64_t hole = kind->hole ? kind->hole(a) : 0;
	uint64_t other = hole ? kind->hole(b) : 0;
	hole = (hole < other ? hole : other) / STREAM_PIECE * STREAM_PIECE;
	if (hole) {
		kind->pass(a, hole);
		kind->pass(b, hole);
	}
	return hole;
}

int streams_compare(const struct stream_kind *kind, void *a, void *b, uint64_t *offset,
		    struct error *err)
{
	auto_free char *bytes = malloc(2 * STREAM_PIECE);
	if (!bytes)
		return error_set(err, ENOMEM, "out of memory");
	char *other = bytes + STREAM_PIECE;
	for (*offset = 0;; *offset += STREAM_PIECE) {
		*offset += pass_holes(kind, a, b);
		ssize_t nr_a = stream_read_full(kind->read, a, bytes, STREAM_PIECE, err);
		ssize_t nr_b =
		    nr_a < 0 ? nr_a : stream_read_full(kind->read, b, other, STREAM_PIECE, err);
		if (nr_b < 0)
			return (int)nr_b;
		ssize_t both = nr_a < nr_b ? nr_a : nr_b;
		for (ssize_t i = 0; i < both && memcmp(bytes, other, (size_t)both); i++) {
			if (bytes[i] == other[i])
				continue;
			*offset += (uint64_t)i;
			return 1;
		}
		if (nr_a != nr_b) {
			*offset += (uint64_t)both;
			return 1;
		}
		if (nr_a < STREAM_PIECE)
			return 0;
	}
}
