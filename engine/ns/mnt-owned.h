/* SPDX-License-Identifier: MIT
 * Mount namespaces that belong to a user namespace inside of the tree's, on restore: what nobody
 * there could take off or change is so again. In the builder.
 */
#pragma once

#include "engine/context/restore.h"
#include "engine/ns/mnt-tree.h"

/**
 * Early (late) mounts, cut and attached nowhere: lock to each that is free those that are locked to
 * it, and its flags. These come along when it is attached.
 */
int mnt_owned_lock(struct restore *r, struct mnt_tree *tree, bool late, struct error *err);
/** Make a namespace as its owner does. @param make  called there */
int mnt_owned_space(struct restore *r, uint32_t ns, int (*make)(void *ctx, struct error *err),
		    void *ctx, struct error *err);
/** In its namespace: put a late mount where another one keeps the place locked. */
int mnt_owned_seat(struct mnt *m, struct error *err);
/** What is the owner of its file system to do? Outside, as root of that one. */
int mnt_owned_act(struct restore *r, const struct mnt *m, struct error *err);
/** The same, in there. */
int mnt_owned_enter(struct restore *r, const struct mnt *m, struct error *err);
