/* SPDX-License-Identifier: MIT
 * Late births: a task that is much like its parent is born by the parent's restorer, when the
 * parent has its memory and descriptors and nothing of this program is left. So it has nothing to
 * clear away, and hardly anything to do.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

struct restorer_args;

/**
 * In a task whose memory is premapped, before it bears any: choose those of its children that can
 * be born late (rtask.late), with all their restorer needs. Who is not chosen is born as ever.
 */
int late_plan(struct restore *r, size_t index, struct error *err);
/** How many children this task's restorer bears. */
uint32_t late_count(const struct restore *r);
/** There are some: their arena is its own, too. @return the code of the restorer there */
uint64_t late_share_arena(struct restore *r, struct rtask *t);
/** Hand them to the restorer. */
void late_fill_args(const struct restore *r, struct restorer_args *args);
