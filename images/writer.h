/* SPDX-License-Identifier: MIT
 * Writing one image: head, entries, payloads; appears under its name only when complete.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "images/image-type.h"

struct image_writer;

/**
 * Start an image inside a directory: "core-12.img" for (IMG_CORE, 12).
 * @param dirfd   stays the caller's, and open until the image is finished or closed
 * @param number  for the pattern, ignored when it has none
 * @return 0; -errno naming the file. The file is visible at once (the set is committed as a
 *         whole by inventory.img); image_writer_close() on an unfinished one removes it.
 */
int image_create(int dirfd, enum image_id id, uint64_t number, struct image_writer **out,
		 struct error *err);
/** Write to a descriptor the caller owns, with the head given; @param name for messages. */
int image_writer_open_fd(int fd, const char *name, const struct image_type *type,
			 enum image_head head, struct image_writer **out, struct error *err);

/** A size word and the message: an entry, or the header of a payload part. */
int image_write(struct image_writer *w, const ProtobufCMessage *msg, struct error *err);
/** The same with a message that is packed already: image_entry_bytes() of a reader. */
int image_write_packed(struct image_writer *w, const void *bytes, size_t len, struct error *err);
/** Payload after an entry, or the bytes of a raw image; large pieces are written at once. */
int image_write_bytes(struct image_writer *w, const void *bytes, size_t len, struct error *err);
/** The zero bytes this image type wants behind a payload part of `len` bytes. */
int image_write_padding(struct image_writer *w, uint64_t len, struct error *err);
/** Everything so far is in the file; @return its descriptor, to splice or map; or -errno. */
int image_writer_fd(struct image_writer *w, struct error *err);

/** Flush and keep the file. @return 0 or -errno (full disk, …); the writer stays to be closed. */
int image_finish(struct image_writer *w, struct error *err);
/** Release; without image_finish() the half-written file is removed. NULL is fine. */
void image_writer_close(struct image_writer *w);

/** Create, write one message, finish. */
int image_write_one(int dirfd, enum image_id id, uint64_t number, const ProtobufCMessage *msg,
		    struct error *err);

static inline void image_writer_cleanup_(struct image_writer **w)
{
	image_writer_close(*w);
}
#define auto_image_writer __attribute__((cleanup(image_writer_cleanup_))) struct image_writer *
