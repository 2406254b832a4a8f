/* SPDX-License-Identifier: MIT
 * A child that puts something right when its parent is killed.
 */
#pragma once

#include <stddef.h>

/**
 * By the child, first of all: signals that end the parent do not end it, and nobody runs before
 * it. When an engine is killed its tasks run at once, and may see what is still to be put right.
 */
void keeper_become(const char *name);

/**
 * What the parent has open ends with it: all but standard ones and these are closed.
 * @param fds  sorted by this; without those that are not open
 */
void keeper_close_others(int *fds, size_t nr);
