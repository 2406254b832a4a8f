/* SPDX-License-Identifier: MIT
 * How fields are shown to people: the one table of presentation hints.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum hint_kind {
	HINT_HEX,       /* 0x1f; on a message field it covers every integer below */
	HINT_DEV,       /* major:minor as the kernel packs it inside: value >> 20, low 20 bits */
	HINT_ODEV,      /* major:minor as stat(2) packs it */
	HINT_ADDRESS,   /* one word in network order: IPv4; four: IPv6 */
	HINT_FLAGS,     /* names joined by " | " */
	HINT_DICT,      /* one name */
	HINT_UNIX_NAME, /* bytes as quoted-printable text */
};

struct hint_value {
	const char *name;
	uint64_t value;
};

struct hint {
	const char *message, *field;
	enum hint_kind kind;
	const struct hint_value
	    *values; /* of flags and dict, in print order, ends with NULL name */
};

extern const struct hint hints[]; /* sorted by message, then field */
extern const size_t nr_hints;

/** @return the hint of one field, or NULL. */
const struct hint *hint_find(const char *message, const char *field);
