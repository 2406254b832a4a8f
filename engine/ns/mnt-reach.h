/* SPDX-License-Identifier: MIT
 * Getting at the root of a mount with nothing mounted on it, wherever it is and whatever hides it.
 */
#pragma once

#include "engine/ns/mnt-tree.h"

/**
 * A copy of a mount that is attached nowhere; the current mount namespace has it.
 * @return descriptor; -ENOENT (no message) when another mount hides it; -errno
 */
int mnt_reach(const struct mnt *m, struct error *err);
/**
 * The same for one that is hidden: a child takes down what is on top, in a namespace of its own.
 * @param users  the user namespace whose mounts they are; -1: this process's
 * @return descriptor or -errno
 */
int mnt_reach_hidden(const struct mnt_tree *tree, const struct mnt *m, int users,
		     struct error *err);
