/* SPDX-License-Identifier: MIT
 * The bytes an image carries beside its messages, as a hexadecimal dump.
 */
#pragma once

#include "convert/doc/hexdump.h"
#include "images/reader.h"

/**
 * What follows the entries of an image, or all of a raw one. Each part stands at its
 * payload_part_address().
 * @param entries  only what follows these; NULL: all
 * @return 0; -ENOENT when nothing follows them; -EBADMSG
 */
int image_hexdump(struct image_reader *r, const uint64_t *entries, size_t nr_entries,
		  struct hexdump *h, struct error *err);

/** The pages of a page map, of a process or of a shared segment. @param name  of its image */
int pages_hexdump(struct source *src, const char *name, struct hexdump *h, struct error *err);
