/* SPDX-License-Identifier: MIT
 * What follows an entry, from one image into another.
 */
#pragma once

#include "images/reader.h"
#include "images/writer.h"

/** Copy the payload of the reader's current entry, part by part. */
int payload_copy(struct image_reader *r, struct image_writer *w, struct error *err);
