/* SPDX-License-Identifier: MIT
 * Propagation: who gets what is mounted on whom.
 */
#pragma once

#include "engine/ns/mnt-tree.h"

/**
 * Put every mount into its group. Once everything is mounted: what is mounted afterwards spreads.
 * Source: move_mount(2) with MOVE_MOUNT_SET_GROUP, since Linux 5.15.
 */
int mnt_share(struct mnt_tree *tree, struct error *err);
