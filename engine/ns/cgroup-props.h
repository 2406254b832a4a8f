/* SPDX-License-Identifier: MIT
 * Which control files of a cgroup are carried, and how each is read and written.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "cgroup.pb-c.h"
#include "engine/ns/cgroup-spec.h"

/* When a property is written on restore. */
enum cgroup_prop_when {
	CGROUP_PROP_FIRST, /* before a task or another group is inside: cpuset, devices */
	CGROUP_PROP_FULL,  /* when all tasks are there */
	CGROUP_PROP_LAST,  /* when they run: freezer */
};

struct cgroup_kept {                    /* which properties are dumped */
	const char *hierarchy;          /* "cpu,cpuacct"; "": the unified one */
	const struct cgroup_spec *spec; /* --cgroup-props */
};

/**
 * Properties and their owners of one group into an entry whose dir_name is set.
 * @param dir   of the group
 * @param where for messages: "cpu:/a/b"
 */
int cgroup_props_dump(int dir, const struct cgroup_kept *kept, const char *where, CgroupDirEntry *e,
		      struct error *err);

/** Write those of this moment that differ from what is there. */
int cgroup_props_restore(int dir, const char *where, const CgroupDirEntry *e,
			 enum cgroup_prop_when when, struct error *err);
