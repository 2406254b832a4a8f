/* SPDX-License-Identifier: MIT
 * The entries of an image, those with very many areas a piece at a time.
 */
#pragma once

#include "images/reader.h"

struct image_pieces {
	struct image_reader *reader; /* NULL: all was read */
	ProtobufCMessage *large;     /* of which areas are still to be read */
};

/**
 * The next entry.
 * @param msg  set to a message the caller frees with protobuf_c_message_free_unpacked(msg, NULL)
 * @return 1; 2 when more of it is to be read: call again; 0 at the end; -errno, then *msg is what
 * could be read of it, or NULL
 */
int image_piece_next(struct image_pieces *pieces, ProtobufCMessage **msg, struct error *err);
void image_pieces_close(struct image_pieces *pieces);
