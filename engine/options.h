/* SPDX-License-Identifier: MIT
 * The engine's options: their rows.
 */
#pragma once

#include "engine/context/options.h"

/* Which commands a row belongs to. */
enum option_command {
	OPT_DUMP = 1 << 0,
	OPT_RESTORE = 1 << 1,
	OPT_CHECK = 1 << 2,
	OPT_SERVICE = 1 << 3,
	OPT_CPUINFO = 1 << 4,
	OPT_HIDDEN = 1 << 15,  /* no command: help does not list it */
	OPT_ANYBODY = 1 << 16, /* no command: users who are not root may ask the service for it */
};

/* The one table all commands of the engine share; a command's `mask` picks its rows. */
enum {
	NR_OPTION_ROWS = 0
#define OPTION(...) +1
#include "engine/options.def"
#undef OPTION
};
extern const struct arg_row option_rows[NR_OPTION_ROWS];

/** By its long name. @return NULL: nobody knows it */
const struct arg_row *option_find(const char *name);

/** Level of -v, or the default when it was not given. */
int options_log_level(const struct options *opts);
