/* SPDX-License-Identifier: MIT
 * What mem_premap() knows while it works: each mapping of the task, where it comes from and goes.
 */
#pragma once

#include "engine/context/restore.h"
#include "engine/mem/fill.h"
#include "images/page-store.h"

struct page_runs {
	struct page_run *items;
	size_t nr, cap;
};

/* What becomes of one mapping. */
struct place {
	struct vma *vma;
	struct vma *from;  /* the parent's mapping it shares pages with */
	size_t first, nr;  /* runs that touch it */
	uint64_t nr_pages; /* it has in the image */
	bool wanted;       /* to be premapped */
	bool apart;        /* from its neighbours: it must not become one mapping with them */
};

struct premap {
	struct restore *r;
	struct rtask *t;
	struct page_runs runs;
	struct place *places; /* one per mapping of the task */
	struct place *
	    *order; /* those wanted whose address is not free yet, as they lie in the range */
	size_t nr_order;
	uint64_t align; /* bytes; of the range, so that offsets in it keep their meaning */
	struct fill fill;
};

uint64_t page_run_end(const struct page_run *run);
/** All runs of a task that have contents. @return 0; -EBADMSG */
int page_runs_load(struct page_store *ps, const struct rtask *t, struct page_runs *runs,
		   struct error *err);
/** Whose memory the task starts with, if that has any; else NULL. */
const struct rtask *premap_parent(const struct rtask *t);

/** A mapping of the parent at the same place, of the same thing: fork made them one. NULL: none */
struct vma *premap_origin(const struct rtask *t, const struct vma *v);
/**
 * Its protection until the pages are in: pages of its own mean that it was writable once, and has
 * been accounted for since.
 */
uint32_t place_prot(const struct place *pl);

/**
 * Map every wanted place without its pages, and take away what the parent had and the task has not:
 * at its final address where this process has nothing in the way, else in a range (t->premap) the
 * restorer moves it from. Sets vma->premapped.
 */
int premap_map(struct premap *p, struct error *err);
