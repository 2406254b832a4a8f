/* SPDX-License-Identifier: MIT
 * Reading one image as a stream of entries, each followed by its payload.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/pool.h"
#include "base/strbuf.h"
#include "images/image-type.h"
#include "images/source.h"

struct image_reader;

/**
 * Open by file name inside a source. The type comes from the magic, or for raw images from the
 * name. @return 0; -ENOENT when there is no such member; -EBADMSG for an unknown magic.
 */
int image_open(struct source *src, const char *filename, struct image_reader **out,
	       struct error *err);
/** "core-12.img" for (IMG_CORE, 12); checks that the magic is that type's. */
int image_open_typed(struct source *src, enum image_id id, uint64_t number,
		     struct image_reader **out, struct error *err);
/** Read from a stream, which the reader then owns (also when it fails). */
int image_open_stream(struct istream *in, const char *name, struct image_reader **out,
		      struct error *err);
void image_reader_close(struct image_reader *r);
/** From here on entries come from a pool: nobody frees them, they end with that. NULL: from none.
 */
void image_reader_pool(struct image_reader *r, struct pool *pool);

const struct image_type *image_reader_type(const struct image_reader *r);
enum image_head image_reader_head(const struct image_reader *r);
const char *image_reader_name(const struct image_reader *r);

/* Longest message a reader takes; memory is only spent on bytes that are really there. */
#define IMAGE_MESSAGE_MAX (64 * 1024 * 1024)

/**
 * The next entry. What was left of the previous entry's payload is skipped.
 * @param msg  set to a message the caller frees with protobuf_c_message_free_unpacked(msg, NULL),
 * unless it is of a pool
 * @return 1; 0 at the end; -EBADMSG naming file, entry, offset, wanted and found
 */
int image_next(struct image_reader *r, ProtobufCMessage **msg, struct error *err);
/**
 * The next entry without one repeated field, for messages so large that unpacking them whole takes
 * long: its elements come one by one.
 * @param field  name of a repeated message
 * @param nr     how many elements there are
 * @return as image_next()
 */
int image_next_lazy(struct image_reader *r, const char *field, ProtobufCMessage **msg, size_t *nr,
		    struct error *err);
/** @return 1 with the next element; 0: there are no more; -EBADMSG */
int image_element_next(struct image_reader *r, ProtobufCMessage **element, struct error *err);
/** Is an entry one of those asked for? @param wanted  numbers, from 0; NULL: all are */
bool image_entry_wanted(const uint64_t *wanted, size_t nr, uint64_t entry);
/** At the end: were they all there? @param entries  how many were read; @return 0 or -ENOENT */
int image_entries_seen(const struct image_reader *r, const uint64_t *wanted, size_t nr,
		       uint64_t entries, struct error *err);
/** The number of the current entry, from 0. */
uint64_t image_reader_entry(const struct image_reader *r);
/** Where the current entry starts in the file. */
uint64_t image_reader_entry_offset(const struct image_reader *r);
/**
 * The current entry's message as packed in the file, for image_write_packed(): an entry nobody
 * changed is copied byte for byte. Borrowed until the next call on r (payload headers count).
 */
const void *image_entry_bytes(const struct image_reader *r, size_t *len);

/**
 * The current entry's payload, piece by piece, padding included in none of them.
 * A part is one unit: the bytes of a pipe, one of TCP's two queues, one message of a message
 * queue (with its ipc_msg), one ghost chunk (with its ghost_chunk_entry).
 */
struct payload_part {
	ProtobufCMessage *msg; /* header of this part, or NULL; owned by the reader */
	uint64_t len;          /* bytes; UINT64_MAX: until end of file */
};
/** @return 1 with the next part; 0 when there is none; -EBADMSG. */
int image_payload_next(struct image_reader *r, struct payload_part *part, struct error *err);
/** From where it is to the end of the file; UINT64_MAX: nobody knows. */
uint64_t image_bytes_left(const struct image_reader *r);
/** Where in the file the next byte of the current part stands. */
uint64_t image_payload_offset(const struct image_reader *r);
/** Bytes of the current part. @return bytes read, 0 at its end, -errno. */
ssize_t image_payload_read(struct image_reader *r, void *buf, size_t len, struct error *err);

/**
 * The whole of the next part, appended to a buffer; for payloads whose length was checked.
 * @return 0, also when there is none; -EBADMSG; -ENOMEM
 */
int image_payload_take(struct image_reader *r, struct strbuf *out, struct error *err);

/** Bytes of a raw image. As image_payload_read(). */
ssize_t image_read_raw(struct image_reader *r, void *buf, size_t len, struct error *err);

/**
 * Open, read the single entry, close. @return 0; -ENOENT; -EBADMSG when there is none or more.
 */
int image_read_one(struct source *src, enum image_id id, uint64_t number, ProtobufCMessage **msg,
		   struct error *err);
/** The same; the entry comes from a pool. */
int image_read_pooled(struct source *src, enum image_id id, uint64_t number, struct pool *pool,
		      ProtobufCMessage **msg, struct error *err);

/**
 * Visit every entry of an image in order; one that is not there has none.
 * @param visit  may read the payload from r, and keeps the message by setting *msg to NULL;
 * negative ends the reading
 * @return 0; -EBADMSG; what visit returned
 */
typedef int image_visit(void *ctx, struct image_reader *r, ProtobufCMessage **msg,
			struct error *err);
int image_each(struct source *src, enum image_id id, uint64_t number, image_visit *visit, void *ctx,
	       struct error *err);

static inline void image_reader_cleanup_(struct image_reader **r)
{
	image_reader_close(*r);
}
#define auto_image_reader __attribute__((cleanup(image_reader_cleanup_))) struct image_reader *
static inline void message_cleanup_(void *msg)
{
	ProtobufCMessage *m = *(ProtobufCMessage **)msg;
	if (m)
		protobuf_c_message_free_unpacked(m, NULL);
}
/* For a pointer to any unpacked message: `auto_message PstreeEntry *e = NULL;` */
#define auto_message __attribute__((cleanup(message_cleanup_)))
