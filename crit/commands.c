/* SPDX-License-Identifier: MIT
 * Every command of crit, in the order of `crit help`.
 */
#include "crit/commands.h"

#include <stddef.h>

const struct command *const crit_commands[] = {
#define COMMAND(name) &cmd_##name,
#include "crit/commands.def"
#undef COMMAND
	NULL,
};
