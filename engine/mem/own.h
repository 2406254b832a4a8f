/* SPDX-License-Identifier: MIT
 * What this process has mapped now.
 */
#pragma once

#include "base/error.h"
#include "engine/context/vma.h"

/** Mappings of this process; release with vma_list_fini(). */
int own_maps(struct vma_list *out, struct error *err);
/** Their addresses, joined; release with free(out->items). */
int own_ranges(struct range_list *out, struct error *err);

/* What own_reserve() looks for: the lowest from `from` on. */
struct own_gap {
	uint64_t from, limit, size;
	uint64_t align; /* a power of two: of the address, and kept free on both sides */
	int prot;       /* of the new mapping, which is anonymous and not accounted */
	bool shared;    /* with children; else private */
};

/**
 * Reserve addresses that are free now and outside of `busy`.
 * @param own  what is mapped, as far as is known; read when empty or out of date, and the new range
 *             added, so that children need not read theirs
 * @param at   the address
 * @return 0; -ENOMEM when there is no such gap
 */
int own_reserve(const struct range_list *busy, struct range_list *own, const struct own_gap *gap,
		uint64_t *at, struct error *err);
