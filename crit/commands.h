/* SPDX-License-Identifier: MIT
 * Every command of crit.
 */
#pragma once

#include "base/args.h"

extern const struct command
    *const crit_commands[]; /* in the order of `crit help`; ends with NULL */

extern const struct command cmd_show;
extern const struct command cmd_decode;
extern const struct command cmd_encode;
extern const struct command cmd_info;
extern const struct command cmd_x;
extern const struct command cmd_ls;
