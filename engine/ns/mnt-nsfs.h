/* SPDX-License-Identifier: MIT
 * Mounts that are namespaces, as ip-netns(8) and unshare(1) make them.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "engine/ns/mnt-tree.h"

/** Before descriptors are written: which namespaces they are; those nobody is in become the tree's.
 */
int mnt_nsfs_collect(struct dump *d, struct error *err);
int mnt_nsfs_mount(struct restore *r, const struct mnt *m, const char *name, unsigned long flags,
		   struct error *err);
