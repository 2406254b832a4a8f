/* SPDX-License-Identifier: MIT
 * User namespaces that no task is in, but a descriptor or a mount leads to.
 */
#pragma once

#include "engine/ns/ns.h"

int user_held_dump(struct dump *d, const struct ns_seen *ns, struct error *err);
int user_held_load(struct restore *r, uint32_t id, struct error *err);
/** Make it, in a process of its own that is in the user namespace of the tree.
 *  @return a descriptor of it */
int user_held_make(struct restore *r, uint32_t id, struct error *err);
