/* SPDX-License-Identifier: MIT
 * What follows an entry's message, as a plan of parts: the one place that knows the payload
 * layouts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/image-type.h"

#define PAYLOAD_TO_END UINT64_MAX /* as a count or a length: until the end of the file */
#define PAYLOAD_MAX    INT64_MAX  /* no part is longer, whatever its message says */

struct payload_plan {
	uint64_t nr_parts;
	uint64_t len[2];                          /* bytes of part 0 and 1, without a header */
	bool to_end;                              /* the one part has what is left of the file */
	const ProtobufCMessageDescriptor *header; /* message in front of every part, or NULL */
};

/** @param entry  the message the payload belongs to; only looked at during the call */
void payload_plan(enum image_payload kind, const ProtobufCMessage *entry, struct payload_plan *out);

/**
 * Bytes of one part: PAYLOAD_TO_END when the plan says so, else wrong when above PAYLOAD_MAX.
 * @param header  the part's own message when the plan has them, else NULL
 */
uint64_t payload_part_len(const struct payload_plan *plan, uint64_t index,
			  const ProtobufCMessage *header);

/** Zero bytes behind a part of `len` bytes. */
size_t payload_padding(enum image_payload kind, uint64_t len);

/**
 * Where a part stands when all that follows entries is looked at as one: chunks of a file where
 * they are in it, others at the next multiple of 4 GiB.
 * @param header  the part's own message, or NULL
 * @param end     of the part before; 0 for the first
 */
uint64_t payload_part_address(const ProtobufCMessage *header, uint64_t end);
