/* SPDX-License-Identifier: MIT
 * The engine's commands, a row each.
 */
#pragma once

#include "base/args.h"

#define COMMAND(name) extern const struct command cmd_##name;
#include "engine/commands.def"
#undef COMMAND
