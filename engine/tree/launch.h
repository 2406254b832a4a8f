/* SPDX-License-Identifier: MIT
 * The end of a restore: every thread gets its registers and is let go.
 */
#pragma once

#include "base/error.h"
#include "engine/restore.h"

/**
 * Take every thread over from the restorer (all wait in STAGE_READY) and make its state final;
 * nothing of the restore is mapped in any task afterwards. None runs yet.
 */
int launch_prepare(struct restore *r, struct error *err);
/** Let all run. Stopped tasks stay stopped. Cannot fail. */
void launch_go(struct restore *r);
