/* SPDX-License-Identifier: MIT
 * Images that others lead to: where damage is passed over (images/damage.h), that one of them is
 * missing is noted.
 */
#pragma once

#include "images/reader.h"
#include "task.pb-c.h"

/**
 * The images of the namespaces a task is in.
 * @param own  of the dumper, whose namespaces are in no set; NULL: not known, so nothing is noted
 */
void namespaces_lead(struct source *src, const TaskKobjIdsEntry *ids, const TaskKobjIdsEntry *own);
/** image_each() of remap-fpath.img, which every ghost file leads to. */
int remaps_each(struct source *src, image_visit *visit, void *ctx, struct error *err);
