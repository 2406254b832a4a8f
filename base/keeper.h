/* SPDX-License-Identifier: MIT
 * A child that puts something right when its parent is killed.
 */
#pragma once

/**
 * By the child, first of all: signals that end the parent do not end it, and nobody runs before
 * it. When an engine is killed its tasks run at once, and may see what is still to be put right.
 */
void keeper_become(const char *name);
