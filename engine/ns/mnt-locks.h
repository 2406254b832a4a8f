/* SPDX-License-Identifier: MIT
 * Mount namespaces that belong to a user namespace inside of the tree's, on dump: what came there
 * from outside is locked, which the kernel shows nowhere. So a copy is made, where it is tried.
 */
#pragma once

#include "engine/ns/mnt-tree.h"
#include "engine/ns/ns.h"

/** In the namespace: note what is locked, and whose file systems there are. */
int mnt_locks_read(const struct dump *d, const struct ns_seen *ns, struct error *err);
/** The user namespace from which a mount can be looked under, opened. @return -1: the engine's */
int mnt_locks_users(const struct dump *d, const struct ns_seen *ns, struct error *err);
