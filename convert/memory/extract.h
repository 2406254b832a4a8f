/* SPDX-License-Identifier: MIT
 * Bytes of memory out of a checkpoint: into a file, or as a hexadecimal dump.
 */
#pragma once

#include <stdio.h>

#include "base/progress.h"
#include "convert/doc/hexdump.h"
#include "convert/doc/doc.h"
#include "convert/memory/select.h"

/**
 * Write the ranges one after the other. Pages that hold nothing but zeros by the images stay holes.
 * @param fd       seekable: holes are sought over, and the file gets its full length
 * @param missing  bytes the checkpoint does not have (file pages, lazy ones): zeros in their place
 */
int memory_extract(struct memory_view *mv, const struct memory_ranges *ranges, int fd,
		   const char *name, struct progress *progress, uint64_t *missing,
		   struct error *err);
/** Lines of 16 bytes with addresses and characters; repeated lines once, then "*". */
int memory_hexdump(struct memory_view *mv, const struct memory_ranges *ranges, struct hexdump *h,
		   struct error *err);
