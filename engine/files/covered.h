/* SPDX-License-Identifier: MIT
 * Inside files/: files of the host's mounts whose names are hidden by what is mounted on top of
 * them.
 */
#pragma once

#include "engine/files/file.h"

/**
 * Is it there, below another mount?
 * @param on  set to where its own mount is, which is not hidden; owned by the caller
 * @return 1; 0: it is not, or nothing can reach it
 */
int covered_find(const struct open_file *f, char **on);
/** Dump: is it on a mount that is nowhere, as its holder sees it (open_tree(2))? */
bool covered_is_detached(const struct open_file *f);
/** Open it again. @return descriptor or -errno */
int covered_open(const RegFileEntry *reg, int flags, struct error *err);
