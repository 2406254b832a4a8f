/* SPDX-License-Identifier: MIT
 * Whether it is a set of images that a source, or a directory, holds.
 */
#pragma once

#include <stdbool.h>

#include "images/source.h"

enum source_kind {
	SOURCE_NO_IMAGES,
	SOURCE_IMAGES, /* some, but none by which a set is known */
	SOURCE_MEMORY, /* of a pre-dump: page maps without any of the tasks that had them */
	SOURCE_SET,    /* pstree.img, inventory.img or page maps */
};

/** @return 0; -errno: it could not be listed, so nobody knows */
int source_kind(struct source *src, enum source_kind *out, struct error *err);
/** For who takes all there is: a folder may be any, as one that a link leads to. @return -ENOENT */
int source_want_set(struct source *src, struct error *err);
/**
 * Before it is opened: has a directory the tree or the inventory of a set in it?
 * @param folder  "": `dirfd` itself; or a name in it, of what need not be there or be one
 * @return 1 or 0; -errno: it may not be looked at
 */
int folder_has_set(int dirfd, const char *folder, struct error *err);
