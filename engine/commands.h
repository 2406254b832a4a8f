/* SPDX-License-Identifier: MIT
 * The engine's commands, a row each.
 */
#pragma once

#include "base/args.h"

extern const struct command cmd_dump, cmd_restore, cmd_check, cmd_swrk, cmd_service, cmd_cpuinfo;
