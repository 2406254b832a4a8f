/* SPDX-License-Identifier: MIT
 * Growing arrays of any element type: `struct { T *items; size_t nr, cap; }`; searching sorted
 * ones.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/** Grow storage to hold `want` elements of `size` bytes. @return new storage or NULL (old intact).
 */
void *array_grow_(void *items, size_t *cap, size_t want, size_t size);

/**
 * Append a zeroed element to a struct with members items, nr, cap.
 * @return pointer to it, valid until the next append; NULL when memory is short.
 */
#define array_add(a)                                                                               \
	({                                                                                         \
		void *grown_ =                                                                     \
		    array_grow_((a)->items, &(a)->cap, (a)->nr + 1, sizeof(*(a)->items));          \
		if (grown_)                                                                        \
			(a)->items = grown_;                                                       \
		grown_ ? &(a)->items[(a)->nr++] : NULL;                                            \
	})

/**
 * In what is sorted: how many come before.
 * @param k       a name for an index below `nr`
 * @param before  does the element at `k` come before what is looked for?
 * @return        the index of the first that does not; `nr`: all do
 */
#define array_lower_bound(nr, k, before)                                                           \
	({                                                                                         \
		size_t low_ = 0, high_ = (nr);                                                     \
		while (low_ < high_) {                                                             \
			size_t k = low_ + (high_ - low_) / 2;                                      \
			if (before)                                                                \
				low_ = k + 1;                                                      \
			else                                                                       \
				high_ = k;                                                         \
		}                                                                                  \
		low_;                                                                              \
	})
