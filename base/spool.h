/* SPDX-License-Identifier: MIT
 * What comes through a pipe, in a file that can be read in any order; or goes there when it is
 * whole.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

/** @param fd  to write to, borrowed; @param name  of it, for errors. @return 0; -errno */
typedef int spool_fn(void *arg, int fd, const char *name, struct error *err);
/**
 * What a call writes, when it is whole; else nothing of it. Until then it is in a file without a
 * name in $TMPDIR or /tmp.
 * @param to  where the reader waits for it; @param name  of that, for errors
 */
int spool_whole(spool_fn *make, void *arg, int to, const char *name, struct error *err);
/**
 * All that can still be read, into such a file.
 * @param from  borrowed; @param name  of it, for errors
 * @param head  bytes that were read before, which come first; len: how many
 * @return a descriptor of the file, at its start, owned by the caller; -errno
 */
int spool_open(int from, const char *name, const void *head, size_t len, struct error *err);
