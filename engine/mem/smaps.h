/* SPDX-License-Identifier: MIT
 * The text of /proc/PID/smaps (or maps) into mappings: pure over (buf, len), fuzzed.
 */
#pragma once

#include "base/error.h"
#include "engine/context/vma.h"

/**
 * Append the mappings described by whole lines of `buf` to `out`; lines after a header belong to
 * the mapping before, also across calls. Fills start, end, pgoff, prot, flags (MAP_*), madv, dev,
 * ino, path and vm_flags.
 * @param used  bytes of whole lines that were consumed; the rest is to be passed again
 * @return 0; -EBADMSG for text that is not smaps, -ENOMEM
 */
int smaps_parse(const char *buf, size_t len, struct vma_list *out, size_t *used, struct error *err);
