/* SPDX-License-Identifier: MIT
 * Writing one image: head, entries, payloads; appears under its name only when complete.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "images/image_type.h"

struct image_writer;

/**
 * Start an image inside a directory: "core-12.img" for (IMG_CORE, 12).
 * @param id  number for the pattern, ignored when it has none
 * @return 0; -errno naming the file. The file is visible at once (the set is committed as a
 *         whole by inventory.img); image_writer_close() on an unfinished one removes it.
 */
int image_create(int dirfd, enum image_id type, uint64_t id, struct image_writer **out,
		 struct error *err);
/** Write to a descriptor the caller owns, with the head given; @param name for messages. */
int image_writer_open_fd(int fd, const char *name, const struct image_type *type,
			 enum image_head head, struct image_writer **out, struct error *err);

int image_write(struct image_writer *w, const ProtobufCMessage *msg, struct error *err);
/** Raw bytes after an entry, or of a raw image. */
int image_write_bytes(struct image_writer *w, const void *bytes, size_t len, struct error *err);

/** Flush and keep the file. @return 0 or -errno (full disk, …); the writer stays to be closed. */
int image_finish(struct image_writer *w, struct error *err);
/** Release; without image_finish() the half-written file is removed. NULL is fine. */
void image_writer_close(struct image_writer *w);

/** Create, write one message, finish. */
int image_write_one(int dirfd, enum image_id type, uint64_t id, const ProtobufCMessage *msg,
		    struct error *err);

static inline void image_writer_cleanup_(struct image_writer **w)
{
	image_writer_close(*w);
}
#define auto_image_writer __attribute__((cleanup(image_writer_cleanup_))) struct image_writer *
