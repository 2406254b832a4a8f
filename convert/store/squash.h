/* SPDX-License-Identifier: MIT
 * Incremental chains: made into one set, or freed of pages that later sets have anew.
 */
#pragma once

#include "base/progress.h"
#include "convert/store/forms.h"

/** The set on its own: every page it has in the sets before it, in its own page images. */
int set_squash(const struct set_job *job, struct progress *progress, struct error *err);

struct dedup_freed {
	char set[256]; /* "images/3/parent" */
	uint64_t nr_pages;
};
struct dedup {
	bool dry_run; /* only count */
	struct progress *progress;
	/** Told for each set before this one. */
	int (*freed)(void *ctx, const struct dedup_freed *freed, struct error *err);
	void *ctx;
};
/**
 * Punch holes into the page images of the sets before this one where a later set has the page.
 * All memory of the set is read before and afterwards and compared. Refused, before anything is
 * done: page images that are compressed or read-only.
 */
int dedup_chain(struct source *src, const struct dedup *how, struct error *err);
