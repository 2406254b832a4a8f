/* SPDX-License-Identifier: MIT
 * A whole image to JSON and back: {"magic": NAME, "entries": [...]}.
 */
#pragma once

#include "convert/raw/raw.h"
#include "images/reader.h"

struct image_json {
	struct raw_json raw;     /* also whether payloads are told */
	const uint64_t *entries; /* only these; NULL: all */
	size_t nr_entries;
};

/** The whole document, in the layout of `out`, without a line end after it. */
int image_to_json(struct image_reader *r, const struct image_json *how, struct json_out *out,
		  struct error *err);

/**
 * Read one document and write the image it describes to a descriptor.
 * @param name  of the image, for messages
 */
int image_from_json(struct json_in *in, int fd, const char *name, struct error *err);

/**
 * What "magic" says: page maps of shared segments have the magic, and so the name, of all page
 * maps.
 */
const char *image_magic_name(const struct image_type *type);

/** By how the first words of a file are called in JSON when they are not the usual ones. @return
 * the head, or -EINVAL */
int image_head_by_name(const char *name);
