/* SPDX-License-Identifier: MIT
 * Inside files/: from an inode, all the kernel tells of what is watched, to a path.
 */
#pragma once

#include "engine/files/file.h"

/** Open what a file handle stands for, O_PATH. @return descriptor; -ESTALE: no mount knows it */
int handle_open(uint32_t s_dev, const FhEntry *fh);

struct inode_sought {
	uint32_t s_dev;
	uint64_t ino;
	FhEntry *fh; /* its path is set; no handle when bytes is 0 */
};
/**
 * A path that leads to it.
 * @return 0; 1: it has none any more (*st is set); -ENOENT: not found, err says what to do
 */
int inode_path_find(struct dump *d, const struct open_file *f, const struct inode_sought *what,
		    struct stat *st, struct error *err);
