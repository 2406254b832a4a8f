/* SPDX-License-Identifier: MIT
 * The end of a restore: every thread gets its registers and is let go. Who takes the threads over
 * is their tracer, with whom they end until they run.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "engine/context/restore.h"

/**
 * Take every thread over from the restorer (all wait in STAGE_READY) and make its state final;
 * nothing of the restore is mapped in any task afterwards. None runs yet.
 * @param any  set: was any taken over, also when it fails
 */
int launch_take(struct restore *r, bool *any, struct error *err);
/** Connections come alive, then all run: nothing fails once one runs. Stopped tasks stay stopped.
 */
int launch_release(struct restore *r, struct error *err);
