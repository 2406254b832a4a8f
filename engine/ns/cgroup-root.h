/* SPDX-License-Identifier: MIT
 * --cgroup-root: another place for what is in control groups; and which paths and hierarchies of
 * cgroup.img such a place is for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cgroup.pb-c.h"
#include "engine/context/options.h"

/** Is each "/PATH" or "HIERARCHY:/PATH"? */
int cgroup_roots_check(const struct options *opts, struct error *err);
/**
 * That for a hierarchy: "HIERARCHY:/path", or "/path" for all that have none of their own.
 * @param names  of its controllers. @return NULL: there is none
 */
const char *cgroup_root_of(const struct options *opts, char *const *names, size_t nr);
/** Put them into what was read: a directory that no member of a set is in or below is left out. */
int cgroup_roots_rewrite(const struct options *opts, CgroupEntry *e, struct error *err);

/** Is it the group of `dir`, or below? Both without a leading slash. */
bool cgroup_is_below(const char *path, const char *dir);
/** Does a hierarchy go by that name? A set says "cpu,cpuacct" where a hierarchy has the two. */
bool cgroup_has_controller(const CgControllerEntry *c, const char *name);
