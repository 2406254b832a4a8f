/* SPDX-License-Identifier: MIT
 * Of all images those of address spaces have the largest entries.
 */
#include "viewer/image-pieces.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "images/checkpoint.h"

enum { AREAS_PER_PIECE = 2000 };

/* @return as image_next() */
static int large_begin(struct image_pieces *pieces, struct error *err)
{
	size_t nr;
	int rc = image_next_lazy(pieces->reader, "vmas", &pieces->large, &nr, err);
	if (rc <= 0)
		return rc;
	MmEntry *mm = (MmEntry *)pieces->large;
	mm->vmas = nr ? calloc(nr, sizeof(*mm->vmas)) : NULL;
	return nr && !mm->vmas ? error_set(err, ENOMEM, "out of memory") : 1;
}

int image_piece_next(struct image_pieces *pieces, ProtobufCMessage **msg, struct error *err)
{
	*msg = NULL;
	if (image_reader_type(pieces->reader)->id != IMG_MM)
		return image_next(pieces->reader, msg, err);
	int rc = pieces->large ? 1 : large_begin(pieces, err);
	MmEntry *mm = (MmEntry *)pieces->large;
	for (int i = 0; rc > 0 && i < AREAS_PER_PIECE; i++) {
		ProtobufCMessage *area;
		rc = image_element_next(pieces->reader, &area, err);
		if (rc > 0)
			mm->vmas[mm->n_vmas++] = (VmaEntry *)area;
	}
	if (rc > 0)
		return 2;
	*msg = take_ptr(pieces->large);
	return rc == 0 && *msg ? 1 : rc;
}

void image_pieces_close(struct image_pieces *pieces)
{
	image_reader_close(pieces->reader);
	if (pieces->large)
		protobuf_c_message_free_unpacked(pieces->large, NULL);
	*pieces = (struct image_pieces){ 0 };
}
