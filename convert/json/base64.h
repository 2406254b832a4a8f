/* SPDX-License-Identifier: MIT
 * Base64 in lines of 76 characters, as a stream in both directions.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "convert/json/base64-lines.h"
#include "convert/json/emit.h"

/**
 * Append to an open JSON string: a line end (as \n) after every 57 bytes and at the end.
 * @param len  a multiple of BASE64_LINE_BYTES except in the last piece; nothing for 0 bytes
 */
void base64_emit(struct json_out *out, const void *bytes, size_t len);
/** A whole value. */
void json_base64(struct json_out *out, const void *bytes, size_t len);

/* What a decoder may hold back from the piece before. */
#define BASE64_CARRY 3

struct base64_decoder {
	uint32_t bits; /* not yet a whole group */
	unsigned nr;   /* characters in bits, 0…3 */
	unsigned pad;  /* '=' seen */
};

/**
 * Decode a piece of text; line ends and blanks are skipped.
 * @param out  room for len / 4 * 3 + 3 bytes; may overlap the text when it starts at least
 *             BASE64_CARRY bytes before it, or at it for text that is whole
 * @return bytes stored; -EINVAL on anything that is not base64
 */
ssize_t base64_decode(struct base64_decoder *d, const char *text, size_t len, uint8_t *out);
/** @return 0 when the text ended at the end of a group, else -EINVAL. */
int base64_decode_end(const struct base64_decoder *d);
