/* SPDX-License-Identifier: MIT
 * --remap-pids: ids that somebody else has are replaced by free ones. From pid_remap_plan() on, the
 * set is read as if it had the new ones, so nothing else knows of it but the memory of the tasks.
 */
#pragma once

#include "engine/context/restore.h"
#include "images/checkpoint.h"
#include "images/pid-map.h"
#include "images/tid-words.h"

struct pid_patch {
	uint32_t pid;         /* of the process, in the set */
	struct tid_word word; /* with an id of the set */
};

struct pid_remap {
	struct pid_map map;
	struct {
		struct pid_patch *items;
		size_t nr, cap;
	} patches;
};
void pid_remap_free(struct pid_remap *remap);

/**
 * Find out which ids of the set are taken, choose others, and say so on standard error.
 * @return 0, also when none is; -EEXIST naming who has one that cannot become another
 */
int pid_remap_plan(struct restore *r, struct error *err);

/** When all tasks are stopped, with their memory in place: the ids in it that are known. */
int pid_remap_write(struct restore *r, struct error *err);

/** What pid_words_find() learns about one id. */
struct pid_finding {
	uint32_t id;
	size_t nr_own;     /* words of its own process that are left as they are */
	uint32_t known_by; /* another process that knows it; 0: none */
	uint64_t addr;     /* where; 0: in a register */
	bool hidden;       /* the thread's own note of it was not found */
};

/**
 * Look through the memory of one process of the set for ids that are to change: what is known of
 * becomes a patch, the rest is counted.
 * @param findings  one per change of the map, in its order
 */
int pid_words_find(struct pid_remap *remap, struct checkpoint *cp, const struct process *p,
		   struct pid_finding *findings, struct error *err);
