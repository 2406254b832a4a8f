/* SPDX-License-Identifier: MIT
 * What file systems hold, both directions; callbacks of rows in mnt-fs.c.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "engine/ns/mnt-tree.h"

int mnt_tmpfs_dump(struct dump *d, const struct mnt *m, int dir, int users, struct error *err);
int mnt_tmpfs_open(struct restore *r, const struct mnt *m, struct istream **out, struct error *err);
int mnt_tmpfs_fill(struct istream *in, const struct mnt *m, int dir, struct error *err);
int mnt_mqueue_dump(struct dump *d, const struct mnt *m, int dir, int users, struct error *err);
int mnt_binfmt_open(struct restore *r, const struct mnt *m, struct istream **out,
		    struct error *err);
int mnt_binfmt_fill(struct istream *in, const struct mnt *m, int dir, struct error *err);
int mnt_devpts_mount(struct restore *r, const struct mnt *m, const char *name, unsigned long flags,
		     struct error *err);

/** Open the root of a file system, by any mount of all of it, best one that can be seen; the
 * current mount namespace is theirs. @param users  as below */
int mnt_source_open(const struct mnt_tree *tree, const struct mnt_source *s, int users,
		    struct error *err);
/**
 * Open the root of every file system that is carried as a whole; the current mount namespace is
 * theirs.
 * @param users  the user namespace they belong to; -1: this process's
 */
int mnt_contents_open(const struct mnt_tree *tree, uint32_t ns, int users, struct error *err);
/** Write their images, with the ids of that user namespace. No code is loaded from in there: this
 *  process has its own root again. */
int mnt_contents_dump(struct dump *d, const struct mnt_tree *tree, uint32_t ns, int users,
		      struct error *err);
