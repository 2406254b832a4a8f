/* SPDX-License-Identifier: MIT
 * Overlays that could not be mounted again.
 */
#pragma once

#include "engine/ns/mnt-tree.h"

/** Refuse a mount that is planned to be made anew, if its options stand against that.
 *  @return 0; -ENOTSUP naming it, why, and what to do */
int mnt_overlay_check(const struct mnt_tree *tree, const struct mnt *m, struct error *err);
