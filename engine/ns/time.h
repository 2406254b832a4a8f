/* SPDX-License-Identifier: MIT
 * Time namespaces: what CLOCK_MONOTONIC and CLOCK_BOOTTIME of the tree say. timens-N.img.
 */
#pragma once

#include "engine/ns/ns.h"

/** The number of the one its children are born into, which it is not in itself. */
int timens_note_children(struct dump *d, struct task *t, ino_t ino, struct error *err);
/** Write what the clocks of the tree say. */
int timens_dump(struct dump *d, struct error *err);
/** Those of other tasks than the root: callbacks of the table. */
int timens_dump_nested(struct dump *d, const struct ns_seen *ns, struct error *err);
int timens_load_nested(struct restore *r, uint32_t id, struct error *err);
int timens_fill_nested(struct restore *r, uint32_t id, struct error *err);
/** In a task that has another one for its children: make that, when it has borne those it has. It
 *  is in its own from here on. */
int timens_make_children(const struct restore *r, const struct rtask *t, struct error *err);

/** Read it; does the tree need clocks of its own? When it had them, or when those here are behind
 *  what it has seen. */
int timens_load(struct restore *r, struct error *err);
/** In the coordinator, before the first birth: who is born from now on has them. */
int timens_enter(struct restore *r, struct error *err);
/** After the births: children of this process live in its own time again. */
void timens_leave(struct restore *r);
