/* SPDX-License-Identifier: MIT
 * Making mounts, in the builder: sources in a yard of its own, cut into mounts.
 *
 * The yard is a tmpfs on top of the builder's root that nobody else sees. Each source is mounted
 * there once, and every mount is a clone of a part of one, so nothing depends on what is mounted
 * on what, or hidden by what.
 */
#pragma once

#include "engine/context/restore.h"
#include "engine/ns/mnt-tree.h"

/** Open what external mounts are of, and what file systems held, while this process is who was
 *  asked: nobody's namespace is new yet. */
int mnt_open_outside(struct restore *r, struct mnt_tree *tree, struct error *err);
/** @return the root of the yard, owned by the caller; or -errno */
int mnt_yard_open(struct error *err);
/** Put everything that was opened into the yard. */
int mnt_place_outside(struct mnt_tree *tree, struct error *err);
/** Mount the new file systems that come early (late), and put into them what they held. */
int mnt_make_sources(struct restore *r, struct mnt_tree *tree, bool late, struct error *err);
/** One that did not come then. */
int mnt_make_source(struct restore *r, struct mnt_tree *tree, struct mnt_source *s,
		    struct error *err);
/** Mount one on a name in the current directory. */
int mnt_mount(struct restore *r, const struct mnt_source *s, const char *name, struct error *err);
/** Cut early (late) mounts out of their sources; they are private, and not read-only yet. */
int mnt_cut(struct mnt_tree *tree, bool late, struct error *err);
/** Cut all that have not been of this source. */
int mnt_cut_of(struct mnt_tree *tree, const struct mnt_source *s, struct error *err);
/** A private clone of a part of a source. @return descriptor, attached nowhere; or -errno */
int mnt_clone(const struct mnt_source *s, const char *root, struct error *err);
struct mnt_flag {
	unsigned st;   /* of statvfs(3) */
	uint32_t ms;   /* of mount(2) */
	uint64_t attr; /* of mount_setattr(2) */
	bool lockable; /* by a copy of its namespace for a user namespace inside */
};
#define MNT_FLAGS 6
/** What is either there or not; how access times are kept is not among them. */
extern const struct mnt_flag mnt_flags[MNT_FLAGS];
/** Make a mount's flags (MS_… of mount(2); MS_PRIVATE and MS_UNBINDABLE as well) those. */
int mnt_set_flags(int fd, uint32_t flags);
/** Leave the root of file systems as they were: read-only ones can be only now. */
int mnt_close_sources(const struct mnt_tree *tree, struct error *err);
