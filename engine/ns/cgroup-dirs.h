/* SPDX-License-Identifier: MIT
 * Directories of control groups: what cgroup.img says of them, and how they are made again.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "engine/ns/cgroup-props.h"

struct made_dir { /* below a hierarchy's root; removed if the restore fails */
	size_t controller;
	char *path;
};

struct cgroup_dirs { /* of a restore */
	const struct options *opts;
	const CgroupEntry *entry;
	int *roots; /* of the hierarchies, as in entry->controllers; NULL: not open yet */
	struct {
		struct made_dir *items;
		size_t nr, cap;
	} made;
};

/**
 * Note a group and everything below it.
 * @param dir_name  below `parent`; "": the root of a hierarchy, of which only itself is noted
 * @param where  "HIERARCHY:/path", for messages
 * @param e         empty; to be freed by the caller, whatever happens
 */
int cgroup_dir_dump(int parent, const char *dir_name, const struct cgroup_kept *kept,
		    const char *where, CgroupDirEntry *e, struct error *err);

/** Open the hierarchies, make what is missing as --manage-cgroups says, write CGROUP_PROP_FIRST. */
int cgroup_dirs_make(struct cgroup_dirs *d, int work_fd, struct error *err);
/** Write their control files that are due at this moment. */
int cgroup_dirs_set(struct cgroup_dirs *d, enum cgroup_prop_when when, struct error *err);
/** Remove what was made. */
void cgroup_dirs_undo(struct cgroup_dirs *d);
void cgroup_dirs_fini(struct cgroup_dirs *d);
