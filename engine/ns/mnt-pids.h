/* SPDX-License-Identifier: MIT
 * Mounts that show the processes of a pid namespace inside of the root's, or of one of the dead.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "engine/ns/mnt-tree.h"

/** Note whose processes each shows; the current mount namespace is the tree's. */
int mnt_pids_read(const struct dump *d, uint32_t ns, int users, struct error *err);

/** Check what images say, and make room for what mnt_pids_tell() will tell the builder. */
int mnt_pids_load(struct restore *r, struct error *err);
/** In the coordinator: everybody is born. */
void mnt_pids_tell(struct restore *r);
/** In the builder: as ns_aside(), in the pid namespace that the source shows. */
int mnt_pids_aside(const struct mnt_tree *tree, const struct mnt_source *s,
		   int (*visit)(void *ctx, struct error *err), void *ctx, struct error *err);
