/* SPDX-License-Identifier: MIT
 * Counting what an image holds: info and ls.
 */
#include "crit/image-count.h"

#include <stdlib.h>

#include "base/cleanup.h"

#define PIECE (64 * 1024)

static int bytes_count(struct image_reader *r, struct image_count *out, struct error *err)
{
	auto_free char *piece = malloc(PIECE);
	if (!piece)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	ssize_t n;
	while ((n = image_read_raw(r, piece, PIECE, err)) > 0)
		out->bytes += (uint64_t)n;
	return (int)n;
}

static int chunks_count(struct image_reader *r, struct image_count *out, struct error *err)
{
	struct payload_part part;
	int rc;
	while ((rc = image_payload_next(r, &part, err)) > 0)
		out->entries += part.msg != NULL;
	return rc;
}

int image_count(struct image_reader *r, struct image_count *out, struct error *err)
{
	const struct image_type *type = image_reader_type(r);
	*out = (struct image_count){ .raw = !type->entry };
	if (out->raw)
		return bytes_count(r, out, err);
	for (bool head = true;;) {
		auto_message ProtobufCMessage *msg = NULL;
		int rc = image_next(r, &msg, err);
		if (rc <= 0)
			return rc;
		/* the first message of a page map is its head */
		out->entries += !(head && type->first);
		head = false;
		rc = type->payload == PAYLOAD_GHOST ? chunks_count(r, out, err) : 0;
		if (rc < 0)
			return rc;
	}
}
