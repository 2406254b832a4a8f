/* SPDX-License-Identifier: MIT
 * What daemons make in an autofs: directories and symbolic links.
 */
#pragma once

#include "engine/ns/mnt-tree.h"

/** Into e->names. @param dir  its root, with nothing mounted on it; nobody is asked for anything */
int mnt_names_collect(int dir, AutofsEntry *e, struct error *err);
int mnt_names_check(const AutofsEntry *e, struct error *err);
/** Make them, and whatever mounts of that source are mounted on. @param dir  the root */
int mnt_names_make(const struct mnt_tree *tree, const struct mnt_source *s, const AutofsEntry *e,
		   int dir, struct error *err);
