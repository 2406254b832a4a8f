/* SPDX-License-Identifier: MIT
 * inventory.img: the file that makes a set one.
 */
#pragma once

#include "base/error.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"

/** A name for this dump, as it will stand there. */
void inventory_make_run_id(char out[37]);
/** Write inventory.img; the last file of a set, whole from then on. */
int inventory_dump(struct dump *d, struct error *err);
/** Refuse a set that is not whole, of another version, or of a kind that cannot be restored. */
int inventory_load(struct restore *r, struct error *err);
