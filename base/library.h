/* SPDX-License-Identifier: MIT
 * Libraries that are loaded when they are used, so that a command without them starts sooner.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct library_symbol {
	const char *name;
	size_t offset; /* of the pointer to it in the table of who loads the library */
};

/**
 * Load a library for as long as this process lives, and look its symbols up.
 * @param need  who cannot do without, for the message: "backtraces need libdw"
 * @param table  whose pointers are set; @return 0; -ENOTSUP: no such library, or another one
 */
int library_load(const char *soname, const char *need, const struct library_symbol *symbols,
		 size_t nr, void *table, struct error *err);
