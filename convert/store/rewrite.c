/* SPDX-License-Identifier: MIT
 * Images written again with some entries changed.
 */
#include "convert/store/rewrite.h"

#include "base/cleanup.h"
#include "base/io.h"

enum { PIECE = 64 * 1024 };

static int payload_copy(struct image_reader *r, struct image_writer *w, struct error *err)
{
	struct payload_part part;
	int rc;
	auto_free char *buf = NULL;
	while ((rc = image_payload_next(r, &part, err)) == 1) {
		uint64_t len = 0;
		ssize_t n = 0;
		if (!buf)
			buf = io_buffer(PIECE);
		rc = buf ? 0 : error_set(err, ENOMEM, "out of memory");
		if (rc == 0 && part.msg)
			rc = image_write(w, part.msg, err);
		while (rc == 0 && (n = image_payload_read(r, buf, PIECE, err)) > 0) {
			rc = image_write_bytes(w, buf, (size_t)n, err);
			len += (uint64_t)n;
		}
		rc = n < 0 ? (int)n : rc;
		if (rc == 0)
			rc = image_write_padding(w, len, err);
		if (rc < 0)
			break;
	}
	return rc;
}

static int rewrite_entry(struct image_reader *r, struct image_writer *w, ProtobufCMessage *msg,
			 const struct image_edit *edit, struct error *err)
{
	int fate = edit->entry(edit->ctx, msg, err);
	if (fate < 0 || fate == ENTRY_DROP)
		return fate < 0 ? fate : 0;
	size_t len;
	const void *bytes = image_entry_bytes(r, &len);
	int rc =
	    fate == ENTRY_WRITE ? image_write(w, msg, err) : image_write_packed(w, bytes, len, err);
	return rc < 0 ? rc : payload_copy(r, w, err);
}

int image_rewrite(struct image_reader *r, int fd, const char *name, const struct image_edit *edit,
		  struct error *err)
{
	auto_image_writer w = NULL;
	int rc =
	    image_writer_open_fd(fd, name, image_reader_type(r), image_reader_head(r), &w, err);
	while (rc == 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			break;
		rc = rewrite_entry(r, w, msg, edit, err);
	}
	if (rc == 0 && edit->end)
		rc = edit->end(edit->ctx, w, err);
	return rc < 0 ? rc : image_finish(w, err);
}
