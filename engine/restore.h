/* SPDX-License-Identifier: MIT
 * One restore.
 */
#pragma once

#include "base/error.h"
#include "engine/context/options.h"

/** Restore the set in opts->images_dir. @return pid of the root task, or -errno, nothing left. */
int restore_tree(const struct options *opts, struct error *err);
