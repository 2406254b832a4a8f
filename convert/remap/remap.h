/* SPDX-License-Identifier: MIT
 * One consistent rewrite of every image, and of the documents beside them, that carries a value.
 */
#pragma once

#include "convert/remap/rules.h"
#include "images/sink.h"
#include "images/source.h"

struct remap_change {
	char *image;
	bool has_entry;
	uint64_t entry; /* from 0; of text its line, from 1 */
	char *field;
	char *from, *to;
};

struct remap_changes {
	struct remap_change *items;
	size_t nr, cap;
};
void remap_changes_fini(struct remap_changes *changes);

struct remap_job {
	struct source *src;
	struct sink *sink;             /* not committed; NULL: only look */
	struct remap_changes *changes; /* what is changed, in the order of the images */
};

/**
 * Look at everything first: what would break is refused before a byte is written.
 * @param rules  their `found` is counted
 * @return 0; -ENOENT when a value is nowhere; -EINVAL saying what would break
 */
int remap_run(const struct remap_job *job, struct remap_rules *rules, struct error *err);
