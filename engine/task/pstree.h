/* SPDX-License-Identifier: MIT
 * The process tree of a set: pstree.img.
 */
#pragma once

#include "base/error.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"

/** Write pstree.img: d->tasks in their order. */
int pstree_dump(struct dump *d, struct error *err);
/** Read pstree.img into r->tasks, linked to a tree; ids and order are checked. */
int pstree_load(struct restore *r, struct error *err);
/** Free r->tasks and what hangs on each task. */
void pstree_free(struct restore *r);
