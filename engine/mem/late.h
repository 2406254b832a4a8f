/* SPDX-License-Identifier: MIT
 * Memory of a child that is born when its parent's is complete: where the two differ.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

struct restorer_args;

/* What comparing takes, for one child after the other. */
struct mem_late {
	int mem_fd;       /* /proc/self/mem */
	char *want, *now; /* pages of the image, and of this process */
};

int mem_late_init(struct mem_late *l, struct error *err);
void mem_late_fini(struct mem_late *l);
/** Bytes of its arena that mem_late_fill() takes beside those of mem_fill_args(). */
size_t mem_late_size(void);
/**
 * In the parent, whose memory is premapped: the pieces of the child's that are another, in
 * args->pieces, and vma->premapped of those mappings that it has from the parent. t->memory_of is
 * this process' task.
 * @return 1; 0: too much differs, or there is something that only a process of its own can make
 *         (premapped is as before); -errno, too
 */
int mem_late_fill(struct mem_late *l, struct restore *r, struct rtask *t,
		  struct restorer_args *args, struct error *err);
