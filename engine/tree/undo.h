/* SPDX-License-Identifier: MIT
 * After a failure: no task of a half-restored tree stays.
 */
#pragma once

#include "engine/context/restore.h"

/** Kill and reap every task that was born; waits a few seconds at most. */
void undo_births(struct restore *r);
