/* SPDX-License-Identifier: MIT
 * Mount namespaces: callbacks of their row in ns.c.
 */
#pragma once

#include "engine/ns/ns.h"

/** Read the mounts, and refuse what nobody could restore. */
int mntns_collect(struct dump *d, const struct ns_seen *ns, struct error *err);
int mntns_dump(struct dump *d, const struct ns_seen *ns, struct error *err);

/** Read and check all mounts of the tree, and plan how they are made. */
int mntns_load(struct restore *r, uint32_t id, struct error *err);
/** In the builder, before any namespace is made: open what is outside of the tree. */
int mntns_open(struct restore *r, struct error *err);
/**
 * In the builder: make every mount that can be made before there is a task. Afterwards this process
 * is in the namespace of the tree, and keeps the one it made things in until it ends.
 */
int mntns_fill(struct restore *r, uint32_t id, struct error *err);
/**
 * The rest, once the root task is there: what shows processes, propagation, what is read-only.
 * @param pidns  the tree's pid namespace; -1: it has none of its own
 */
int mntns_finish(struct restore *r, int pidns, struct error *err);
