/* SPDX-License-Identifier: MIT
 * ELF core files out of checkpoints, as debuggers read them: core(5).
 */
#pragma once

#include "base/progress.h"
#include "images/memory-view.h"

struct core_stats {
	uint64_t size;    /* of the file, holes counted */
	uint64_t missing; /* bytes of mapped files and lazy pages left to the debugger */
	size_t nr_threads, nr_segments;
};

/**
 * Write the core of one process: every thread's registers, all its memory. Streams.
 * @param mv  of the process; its sysroot decides which file pages are in the core
 * @param fd  a new file; holes of memory become holes of it
 * @return 0; -ENOTSUP for a machine without a known layout; -EBADMSG; -errno
 */
int core_write(const struct checkpoint *cp, const struct process *p, struct memory_view *mv, int fd,
	       const char *name, struct progress *progress, struct core_stats *stats,
	       struct error *err);
