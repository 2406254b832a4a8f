/* SPDX-License-Identifier: MIT
 * Listening TCP sockets that take no new connection, so that the tree gets done with those that
 * wait: a filter drops what asks for one, who connects tries again a second later. A process puts
 * that right when the engine is killed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct hold;

/** @param sockets  duplicated; those with a filter of their own go on taking connections */
int hold_begin(const int *sockets, size_t nr, struct hold **out, struct error *err);
/** Is the filter of this socket ours? NULL is fine */
bool hold_has(const struct hold *h, ino_t ino);
/** Until this returns the sockets are open here. @param undo  they live on; NULL is fine */
void hold_end(struct hold *h, bool undo);
