/* SPDX-License-Identifier: MIT
 * Storage of growing arrays.
 */
#include "base/array.h"

#include <string.h>

void *array_grow_(void *items, size_t *cap, size_t want, size_t size)
{
	size_t new_cap = *cap ? *cap : 8;
	while (new_cap < want) {
		if (new_cap > SIZE_MAX / 2)
			return NULL;
		new_cap *= 2;
	}
	void *grown = items && new_cap == *cap ? items : reallocarray(items, new_cap, size);
	if (!grown)
		return NULL;
	memset((char *)grown + (want - 1) * size, 0, size); /* what is behind may stay untouched */
	*cap = new_cap;
	return grown;
}
