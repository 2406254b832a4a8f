/* SPDX-License-Identifier: MIT
 * Which pages of a task have contents of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/context/task.h"

/* pagemap_entry.flags */
#define PE_PARENT  0x1u
#define PE_LAZY    0x2u
#define PE_PRESENT 0x4u

/* Pages to be written: a run inside one mapping. */
struct mem_run {
	uint64_t start, end;
	uint32_t flags; /* PE_* */
	bool gentle;    /* to be read through /proc/PID/mem */
};
struct mem_run_list {
	struct mem_run *items;
	size_t nr, cap;
};

/**
 * Find the pages of a stopped task's private mappings that are neither clean file pages nor the
 * zero page, and its guard regions (into t->vmas.guards).
 * @param runs     in address order; released with free(runs->items)
 * @param scanned  pages looked at
 */
int pagemap_scan(struct task *t, struct mem_run_list *runs, uint64_t *scanned, struct error *err);

/** Append a run, merged with the one before when they touch and are alike. @return 0 or -ENOMEM. */
int mem_run_add(struct mem_run_list *list, const struct mem_run *run);
