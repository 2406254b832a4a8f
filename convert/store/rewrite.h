/* SPDX-License-Identifier: MIT
 * An image written again, entry by entry.
 */
#pragma once

#include "images/reader.h"
#include "images/writer.h"

enum entry_fate {
	ENTRY_KEEP,  /* its bytes as they were */
	ENTRY_WRITE, /* the message, as it is now */
	ENTRY_DROP,  /* with what follows it */
};

struct image_edit {
	/** Look at, or change, an entry. @return enum entry_fate, or -errno */
	int (*entry)(void *ctx, ProtobufCMessage *msg, struct error *err);
	/** Behind the last entry: more of them. NULL: none. */
	int (*end)(void *ctx, struct image_writer *w, struct error *err);
	void *ctx;
};

/** All entries and payloads of an image with messages, to a descriptor; @param name  for messages
 */
int image_rewrite(struct image_reader *r, int fd, const char *name, const struct image_edit *edit,
		  struct error *err);
