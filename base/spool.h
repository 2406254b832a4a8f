/* SPDX-License-Identifier: MIT
 * What comes through a pipe, in a file that can be read in any order.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

/**
 * All that can still be read, into a file without a name in $TMPDIR or /tmp.
 * @param from  borrowed; @param name  of it, for errors
 * @param head  bytes that were read before, which come first; len: how many
 * @return a descriptor of the file, at its start, owned by the caller; -errno
 */
int spool_open(int from, const char *name, const void *head, size_t len, struct error *err);
