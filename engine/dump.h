/* SPDX-License-Identifier: MIT
 * One dump.
 */
#pragma once

#include "base/error.h"
#include "engine/context/options.h"

/** Dump opts->pid and its descendants. @return 0; -errno, every task running as before. */
int dump_tree(const struct options *opts, struct error *err);
