/* SPDX-License-Identifier: MIT
 * Every command of crit, in the order of `crit help`.
 */
#include "crit/commands.h"

#include <stddef.h>

const struct command *const crit_commands[] = {
	&cmd_show, &cmd_decode, &cmd_encode, &cmd_info, &cmd_x, &cmd_ls, NULL,
};
