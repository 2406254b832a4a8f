/* SPDX-License-Identifier: MIT
 * Control groups: where every task and thread is in each hierarchy, the directories it takes, and
 * what their control files say: cgroup.img.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"

struct cgroup_sets;    /* memberships met at a dump */
struct cgroup_restore; /* cgroup.img and what was made for it */

/** The set the engine itself is in: inventory_entry.root_cg_set. Nothing is stored of it. */
#define CGROUP_OWN_SET 1

/** Give every thread its set (thread.cg_set): after the freeze. */
int cgroups_collect(struct dump *d, struct error *err);
/** Write cgroup.img when a task is anywhere else than the engine. */
int cgroups_dump(struct dump *d, struct error *err);
void cgroup_sets_free(struct cgroup_sets *sets);

/** Read cgroup.img, put other roots in (--cgroup-root), check that every task's set is there. */
int cgroups_load(struct restore *r, struct error *err);
/** Make the directories; before files are opened, which may lie there. */
int cgroups_make(struct restore *r, struct error *err);
/** Go into the root task's groups: the tasks are born there. */
int cgroups_enter(struct restore *r, struct error *err);
/** In the builder of namespaces, after that: make the cgroup namespace, with the root it had. */
int cgroups_unshare(struct restore *r, uint32_t id, struct error *err);
/** The same of another task than the root; this process moves to where it begins.
 *  @param id  of the images */
int cgroups_unshare_nested(struct restore *r, uint32_t id, struct error *err);
/** Move tasks and threads that are elsewhere, leave again, write limits: when all exist. */
int cgroups_place(struct restore *r, struct error *err);
/** Freezers, when everything runs; a failure is only worth a warning. */
void cgroups_freeze(struct restore *r);
/** Leave, and remove the directories that were made. After the tasks have ended. */
void cgroups_undo(struct restore *r);
void cgroup_restore_free(struct cgroup_restore *cg);
