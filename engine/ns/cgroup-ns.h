/* SPDX-License-Identifier: MIT
 * Cgroup namespaces of single tasks: where they begin. Fields of cgroup.img.
 */
#pragma once

#include "cgroup.pb-c.h"
#include "engine/ns/ns.h"

/** Refuse one whose tasks are outside of what it shows, or that is held, if all of the tree are. */
int cgroup_ns_collect(struct dump *d, const struct ns_seen *ns, struct error *err);
/** Are tasks in others than the root is? */
bool cgroup_ns_has_nested(const struct dump *d);
/** Add them to the image. */
int cgroup_ns_dump(const struct dump *d, CgroupEntry *e, struct error *err);
/** By number; NULL: the images do not tell */
const CgNamespaceEntry *cgroup_ns_find(const CgroupEntry *e, uint32_t id);
