/* SPDX-License-Identifier: MIT
 * The last step of a task in this program: it hands itself over to the restorer.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

/** Fill the arena and jump into the restorer. Returns -errno only. */
int become_restored(struct restore *r, struct rtask *t, struct error *err);
