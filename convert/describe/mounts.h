/* SPDX-License-Identifier: MIT
 * The mounts of every mount namespace of a checkpoint.
 */
#pragma once

#include "images/checkpoint.h"
#include "mounts.pb-c.h"

struct mount_facts {
	uint64_t ns;
	MntEntry *entry;
	const char *fstype; /* "tmpfs", …; NULL: one that has no number (bind mounts of disks) */
	bool external;      /* given back to the restore from outside */
};

/* In the order of the images. */
struct mount_list {
	struct mount_facts *items;
	size_t nr, cap;
};

int mount_list_read(struct checkpoint *cp, struct mount_list *out, struct error *err);
void mount_list_fini(struct mount_list *mounts);
#define auto_mount_list __attribute__((cleanup(mount_list_fini))) struct mount_list
