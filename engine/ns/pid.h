/* SPDX-License-Identifier: MIT
 * Pid namespaces inside of that of the root: who is in which, and has which numbers there. Images
 * know everybody by the number it has in the root's; the others are beside it in pstree.img.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"

/** Note who is in which; ns_collect() has seen all. @return 0; -ENOTSUP naming who cannot be told
 */
int pidns_collect(struct dump *d, struct error *err);
/** Is any task in one that is not the root's? */
bool pidns_seen_nested(const struct dump *d);
/** Fill in levels and children_ns. pidns_free_levels() has to follow, also when this fails. */
int pidns_dump(const struct task *t, PstreeEntry *e, struct error *err);
void pidns_free_levels(PstreeEntry *e);

/** Check and take over what an entry says; the task has its tids. */
int pidns_load(struct rtask *t, const PstreeEntry *e, struct error *err);
void pidns_unload(struct rtask *t);
/** Is any task in one? */
bool pidns_has_nested(const struct restore *r);
/** The pid 1 of a namespace below the root's; NULL: there is none */
const struct rtask *pidns_init(const struct restore *r, uint32_t ns);
/** What a task calls a process group; 0: it cannot see its leader, or nobody is in it */
pid_t pidns_group(const struct restore *r, const struct rtask *viewer, pid_t pgid);
