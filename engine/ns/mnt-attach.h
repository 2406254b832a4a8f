/* SPDX-License-Identifier: MIT
 * Mounts to their places.
 */
#pragma once

#include "engine/context/restore.h"
#include "engine/ns/mnt-tree.h"

int mnt_enter(int ns, struct error *err);
/**
 * Attach all early (late) mounts of all namespaces, whose roots are in place, and make those file
 * systems that consist of others in the tree. Ends in any of the namespaces.
 */
int mnt_attach(struct restore *r, struct mnt_tree *tree, bool late, struct error *err);
