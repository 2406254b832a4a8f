/* SPDX-License-Identifier: MIT
 * Orphans of a tree become orphans again: the helper each was born from ends, and the kernel gives
 * it to the next task above that adopts (PR_SET_CHILD_SUBREAPER), its parent.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"
#include "engine/tree/birth-plan.h"

/** In every task, before helpers may end. */
int adopt_prepare(const struct birth *b, struct error *err);
/** In every task, after STAGE_GROUPS and before it waits for the end of others: adopt, be adopted,
 * or wait until an orphan will be. @return -errno also when the restore has failed elsewhere */
int adopt(struct restore *r, size_t index, struct error *err);
