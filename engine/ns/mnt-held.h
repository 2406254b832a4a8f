/* SPDX-License-Identifier: MIT
 * Mount namespaces that no task is in, but a descriptor leads to.
 */
#pragma once

#include "engine/ns/mnt-tree.h"
#include "engine/ns/ns.h"

/** They become some of the tree's, before its mounts are read: files may be on theirs. */
int mnt_held_find(struct dump *d, struct error *err);
/** Their numbers, into the entry of the root of all. */
int mnt_held_note(const struct dump *d, MntEntry *e, struct error *err);
/** A file is a descriptor of one. @return 0; -EBADMSG: its mounts are not in the images, or
 * -EINVAL: they are not made. @param id  of a mount namespace */
int mnt_held_check(const struct restore *r, uint32_t id, struct error *err);
