/* SPDX-License-Identifier: MIT
 * File systems that show a namespace of who mounted them: mqueue that of IPC, sysfs that of the
 * network.
 */
#pragma once

#include "engine/ns/mnt-tree.h"
#include "engine/ns/ns.h"

/**
 * Whose a file system of that device number shows.
 * @param type  "mqueue", "sysfs"
 * @param out   one that tasks of the tree are in, or are held by them; NULL: none of these
 */
int mnt_shown_find(const struct dump *d, enum ns_kind kind, const char *type, dev_t dev,
		   const struct ns_seen **out, struct error *err);
/** Note what each mount shows, where that is not of the root task. */
int mnt_shown_collect(const struct dump *d, struct error *err);
/** In the builder: run a function that mounts one, in the namespace that it shows. */
int mnt_shown_aside(const struct restore *r, const struct mnt *m,
		    int (*visit)(void *ctx, struct error *err), void *ctx, struct error *err);
