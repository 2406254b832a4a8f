/* SPDX-License-Identifier: MIT
 * Where in an image: entries[3].reg.name, entries[reg.name=/old].reg.flags, tc.comm.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define PATH_PARTS_MAX 32

/* entries, reg, name: a name, and which elements of it. */
struct path_part {
	const char *name;
	enum {
		SELECT_WHOLE, /* no brackets */
		SELECT_ALL,   /* [*] */
		SELECT_INDEX, /* [3] */
		SELECT_VALUE, /* [reg.name=/old] */
	} select;
	size_t index;
	const char *key, *value; /* of SELECT_VALUE: a path below the element, and what
				    path_value_check() takes */
};

struct path {
	char *text; /* parts point into it */
	struct path_part parts[PATH_PARTS_MAX];
	size_t nr;
};

/**
 * Parse a path. Its first part is always "entries": put there when the text leaves it out, as one
 * does for images with one entry.
 * @param text  up to `len` bytes
 */
int path_parse(const char *text, size_t len, struct path *out, struct error *err);
/** A path below an entry or an element: as it stands, at least one part. */
int path_parse_below(const char *text, struct path *out, struct error *err);
void path_fini(struct path *path);

/** Where the path of "PATH=VALUE" ends: the first = outside of brackets; NULL: there is none. */
const char *path_end(const char *text);
/**
 * A value on the command line: text as it stands, in single quotes or, as in JSON, in double ones;
 * JSON for what is no text.
 * @return -EINVAL for quotes that do not end, or not at its end, and for escapes JSON does not have
 */
int path_value_check(const char *value, struct error *err);
