/* SPDX-License-Identifier: MIT
 * Entries that have a name of their own: they are matched by it, not by their place.
 */
#pragma once

#include "convert/diff/change.h"

struct keyed_type {
	enum image_id id;
	const char *key;         /* a string field */
	const char *const *skip; /* numbers that each dump makes up, ends with NULL */
};

/** NULL: entries of this type have no names. */
const struct keyed_type *keyed_type_find(enum image_id id);

/** As the comparison by place; r are at their first entries. */
int diff_keyed(struct diff *d, enum diff_section section, const struct keyed_type *type,
	       const char *name, struct image_reader *r[2], struct error *err);
