/* SPDX-License-Identifier: MIT
 * What comes through a pipe, in a file that can be read in any order; or goes there when it is
 * whole.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

/** A file without a name in $TMPDIR or /tmp. @return a descriptor, owned by the caller; -errno */
int spool_new(struct error *err);
/** From its start, to where the reader waits for it. @param name  of that, for errors */
int spool_pour(int spool, int to, const char *name, struct error *err);
/**
 * All that can still be read, into such a file.
 * @param from  borrowed; @param name  of it, for errors
 * @param head  bytes that were read before, which come first; len: how many
 * @return a descriptor of the file, at its start, owned by the caller; -errno
 */
int spool_open(int from, const char *name, const void *head, size_t len, struct error *err);
