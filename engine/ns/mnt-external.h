/* SPDX-License-Identifier: MIT
 * Mounts of what is outside of the tree: which ones are, and where they come from at the restore.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/ns/mnt-tree.h"
#include "engine/procfs/procfs.h"

/**
 * Mark those --external names, and with mnt[] or --ext-mount-map auto those the dumping engine can
 * see mounted itself.
 * @param own  the engine's mounts
 */
int mnt_external_mark(const struct dump *d, struct mnt_tree *tree, const struct proc_mounts *own,
		      struct error *err);
/** Was this place named by --skip-mnt? */
bool mnt_is_skipped(const struct options *opts, const char *place);
/** May file systems of this type be mounted by their options alone (--enable-fs)? */
bool mnt_fs_is_enabled(const struct options *opts, const char *type);

/**
 * Where an external mount comes from, as the command line or the image says.
 * @return 0; -EINVAL naming the option that is missing
 */
int mnt_external_path(const struct options *opts, const struct mnt *m, const char **out,
		      struct error *err);
/** The device, or whatever else mount(2) calls source, of a mount that is made anew. */
int mnt_device_path(const struct options *opts, const struct mnt *m, const char **out,
		    struct error *err);
