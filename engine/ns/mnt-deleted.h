/* SPDX-License-Identifier: MIT
 * Mounts of a directory or file that has no name any more: it gets one while they are made.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/ns/mnt-tree.h"

/** Note what it is and what is in it; the current mount namespace is the tree's. */
int mnt_deleted_read(const struct dump *d, uint32_t ns, int users, struct error *err);
/** Make it again in the source of the mount, if it was deleted. */
int mnt_deleted_make(const struct mnt_tree *tree, struct mnt *m, struct error *err);
/** Once all is mounted: the names go. */
int mnt_deleted_remove(const struct mnt_tree *tree, struct error *err);
