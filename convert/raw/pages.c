/* SPDX-License-Identifier: MIT
 * Page contents: how much there is, and how much of it is zero.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "convert/raw/raw.h"

#define PIECE (64 * PAGE)

int pages_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	auto_free char *piece = malloc(PIECE);
	if (!piece)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	uint64_t bytes = 0, zero = 0;
	ssize_t n;
	while ((n = image_read_raw(r, piece, PIECE, err)) > 0) {
		bytes += (uint64_t)n;
		for (size_t at = 0; at + PAGE <= (size_t)n; at += PAGE)
			zero += bytes_are_zero(piece + at, PAGE);
	}
	if (n < 0)
		return (int)n;
	json_key(out, "pages");
	json_u64(out, bytes / PAGE);
	json_key(out, "bytes");
	json_u64(out, bytes);
	json_key(out, "zero_pages");
	json_u64(out, zero);
	return 0;
}
