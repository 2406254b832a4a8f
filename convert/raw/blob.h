/* SPDX-License-Identifier: MIT
 * Bytes of any length as one base64 string, never held whole.
 */
#pragma once

#include "convert/json/emit.h"
#include "convert/json/parse.h"
#include "images/reader.h"

/** What reads a piece of an image: image_payload_read() or image_read_raw(). */
typedef ssize_t blob_source(struct image_reader *r, void *buf, size_t len, struct error *err);

/**
 * All that the source gives.
 * @param len  it gives no more than that
 * @return 0 or its error
 */
int blob_to_json(struct image_reader *r, blob_source *source, uint64_t len, struct json_out *out,
		 struct error *err);

/* Where the pieces of a string go. */
struct blob_sink {
	int (*add)(void *arg, const uint8_t *bytes, size_t len, struct error *err);
	void *arg;
};

/** @return 0; -EBADMSG for what is not base64; what the sink returned */
int blob_from_json(struct json_in *in, const struct blob_sink *sink, struct error *err);
