/* SPDX-License-Identifier: MIT
 * A dump meets what is gone in a moment once the tree runs, as a connection nobody has accepted
 * yet: it is let go for that moment and stopped again, a few times.
 */
#pragma once

#include <stdbool.h>

#include "engine/context/dump.h"

/** --timeout begins. */
void again_begin(struct dump *d);
/**
 * The tree runs again: give it a little time, each time more.
 * @param nr  how often that was done; @param why  what was in the way
 * @return false: often enough, or the time is up
 */
bool again_wait(const struct dump *d, unsigned nr, const struct error *why);
