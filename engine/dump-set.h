/* SPDX-License-Identifier: MIT
 * The image set as a whole: what belongs to no single task, and undoing a set that failed.
 */
#pragma once

#include "engine/dump.h"

struct dump_set; /* what lay in the directory before */

/** Remember what is there; take away an old inventory, so that no mix of two sets looks whole. */
int dump_set_begin(struct dump *d, struct dump_set **out, struct error *err);
/** Remove the images this run created. */
void dump_set_undo(struct dump *d, struct dump_set *before);
void dump_set_free(struct dump_set *before);

/** pstree, seccomp, timens; last of all the inventory, which makes the set one. */
int dump_set_finish(struct dump *d, struct error *err);
