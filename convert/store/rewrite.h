/* SPDX-License-Identifier: MIT
 * An image written again, entry by entry.
 */
#pragma once

#include "images/reader.h"
#include "images/writer.h"

/** Look at, or change, an entry. @return 1: write the message; 0: its bytes as they were; -errno */
typedef int entry_edit_fn(void *ctx, ProtobufCMessage *msg, struct error *err);

/** All entries and payloads of an image with messages, to a descriptor. */
int image_rewrite(struct image_reader *r, int fd, const char *name, entry_edit_fn *edit, void *ctx,
		  struct error *err);
