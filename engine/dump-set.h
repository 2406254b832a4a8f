/* SPDX-License-Identifier: MIT
 * The image set as a whole: what belongs to no single task, and undoing a set that failed.
 */
#pragma once

#include "engine/context/dump.h"

/** In the images directory: the set that was there, until the new one is whole. */
#define DUMP_SET_BEFORE ".before"

/** Move the images of a set that is there aside: what this one does not write would be read as its
 *  own. cpuinfo.img stays. */
int dump_set_begin(struct dump *d, struct error *err);
/** Remove the images this run created, and put back those that were there. */
void dump_set_undo(struct dump *d);
/** The new set is whole and stays: the one before it goes. */
void dump_set_settle(struct dump *d);

/** pstree, seccomp, timens; last of all the inventory, which makes the set one. */
int dump_set_finish(struct dump *d, struct error *err);
