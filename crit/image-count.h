/* SPDX-License-Identifier: MIT
 * Counting what an image holds: info and ls.
 */
#pragma once

#include "images/reader.h"

struct image_count {
	bool raw;         /* no entries, only bytes */
	uint64_t entries; /* every ghost chunk is one; a page map's head is none */
	uint64_t bytes;   /* of a raw image */
};

/** Read the image to its end. */
int image_count(struct image_reader *r, struct image_count *out, struct error *err);
