/* SPDX-License-Identifier: MIT
 * Mode and owner of control files.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "cgroup.pb-c.h"

/**
 * Do they say anything? CRIU never fills in those of freezer.state: what is in the image is what
 * its memory held, and no mode a file can have.
 */
static inline bool cgroup_perms_are_set(const CgroupPerms *perms)
{
	return perms && perms->mode <= (S_IFMT | 07777);
}
