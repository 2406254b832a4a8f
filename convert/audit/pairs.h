/* SPDX-License-Identifier: MIT
 * A set of pairs of bytes, and where in memory the next of them is: the first look at every byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pair_set {
	uint8_t bits[65536 / 8];
	uint8_t low[2][16], high[2][16]; /* groups of pairs by half bytes: a bit each of 8 groups */
	unsigned nr;
};

/** Pairs that are alike should follow each other: eight neighbours are told apart later. */
void pair_set_add(struct pair_set *set, const char pair[2]);
/** The next place in [from, to) where a pair of the set stands; to when there is none. */
size_t pair_set_next(const struct pair_set *set, const void *bytes, size_t len, size_t from,
		     size_t to);
