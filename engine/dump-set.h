/* SPDX-License-Identifier: MIT
 * The image set as a whole: what belongs to no single task, and undoing a set that failed.
 */
#pragma once

#include "engine/dump.h"

/** Take away the images of a set that is there: what this one does not write would be read as its
 *  own. cpuinfo.img stays. */
int dump_set_begin(struct dump *d, struct error *err);
/** Remove the images this run created; the inventory first. */
void dump_set_undo(struct dump *d);

/** pstree, seccomp, timens; last of all the inventory, which makes the set one. */
int dump_set_finish(struct dump *d, struct error *err);
