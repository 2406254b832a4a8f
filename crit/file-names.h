/* SPDX-License-Identifier: MIT
 * What the descriptors of a checkpoint refer to, as `crit x` prints it.
 */
#pragma once

#include "images/checkpoint.h"

/** The path of a regular file, or "unknown path". Borrowed. */
const char *file_path(struct checkpoint *cp, uint32_t id);
/** Any file, as `crit x … fds` prints it, without a line end. */
int file_print(struct checkpoint *cp, FdTypes type, uint32_t id, struct error *err);
