/* SPDX-License-Identifier: MIT
 * Every command of crit.
 */
#pragma once

#include "base/args.h"

/* Exit status of commands for which 1 says what was, or was not, found. */
enum { TROUBLE = 2 };

/* Headings of `crit help`. */
#define GROUP_LOOK    "Look at a checkpoint"
#define GROUP_SEARCH  "Search its memory"
#define GROUP_DEBUG   "Debug what was captured"
#define GROUP_CHECK   "Compare and check"
#define GROUP_CHANGE  "Change images"
#define GROUP_CONVERT "Convert to other forms"
#define GROUP_STORE   "Store and carry"

extern const struct command
    *const crit_commands[]; /* in the order of `crit help`; ends with NULL */

#define COMMAND(name) extern const struct command cmd_##name;
#include "crit/commands.def"
#undef COMMAND
