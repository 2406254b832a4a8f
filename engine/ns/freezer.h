/* SPDX-License-Identifier: MIT
 * A freezer cgroup the tree may be held in (--freeze-cgroup): tasks in it cannot be stopped by
 * ptrace, so it is thawed for the dump and frozen again.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct freezer {
	int fd;          /* of the file that tells and takes the state; -1: there is none */
	bool unified;    /* cgroup.freeze, not freezer.state */
	bool was_frozen; /* thawed by freezer_thaw() */
};

/** @param path  directory of the group; NULL: none. @return 0; -ENOENT when it has no freezer */
int freezer_thaw(const char *path, struct freezer *out, struct error *err);
/** Frozen again if it was, and the tasks are there still; closes it. */
void freezer_restore(struct freezer *f, bool tasks_live);
