/* SPDX-License-Identifier: MIT
 * The process tree of a set: pstree.img.
 */
#pragma once

#include "base/error.h"
#include "engine/dump.h"
#include "engine/restore.h"

/** Write pstree.img: d->tasks in their order. */
int pstree_dump(struct dump *d, struct error *err);
/** Read pstree.img into r->tasks, linked to a tree; ids and order are checked. */
int pstree_load(struct restore *r, struct error *err);
/** Free r->tasks and what hangs on each task. */
void pstree_free(struct restore *r);

/** The id inside of the tree's pid namespace of a task or thread that the engine knows as `id`.
 *  @return `id` where it is of nobody in the tree */
pid_t pstree_id_inside(const struct dump *d, pid_t id);
