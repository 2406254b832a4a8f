/* SPDX-License-Identifier: MIT
 * Names that exist for a moment only: a deleted file needs one to be opened by while restoring.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct passing_name {
	char *path;
	bool dir;
};

struct passing_names {
	struct passing_name *items; /* in the order they were made */
	size_t nr, cap;
};

/** Make the directories above a path that are missing, and note them. */
int passing_parents(struct passing_names *names, const char *path, struct error *err);
/** A name like the wanted one that nothing has now. @param out  PATH_MAX bytes */
int passing_choose(const char *wanted, char *out, struct error *err);
/** Note a name that was just made. It is removed again when it cannot be noted. */
int passing_note(struct passing_names *names, const char *path, bool dir, struct error *err);
/** Remove all, the last first, and release the list; also after a failure. @return -errno: a name
 * is left */
int passing_remove(struct passing_names *names, struct error *err);
