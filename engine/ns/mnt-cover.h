/* SPDX-License-Identifier: MIT
 * What hides files of a mount: others on top of it, or of what it stands on.
 */
#pragma once

#include "engine/ns/mnt-tree.h"

struct mnt_covers {
	const struct mnt **items; /* in the order in which they can be taken off */
	size_t nr, cap;
};

/** @param path  of the file, as it would be without them; below the mount's place */
int mnt_covers_find(const struct mnt_tree *tree, const struct mnt *m, const char *path,
		    struct mnt_covers *out, struct error *err);
void mnt_covers_fini(struct mnt_covers *covers);

/** Take them off in the current mount namespace, which is a copy that nobody needs. */
int mnt_covers_drop(const struct mnt_covers *covers, struct error *err);

#define auto_covers __attribute__((cleanup(mnt_covers_fini))) struct mnt_covers
