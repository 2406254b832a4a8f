/* SPDX-License-Identifier: MIT
 * Bytes of any kind.
 */
#include "viewer/bytes.h"

bool bytes_have(struct bytes *b, uint64_t at)
{
	uint64_t start, end;
	return b->ops->stretch(b, at, &start, &end) && at >= start;
}

void bytes_trouble(struct bytes *b, const struct error *err)
{
	if (b->trouble.code == 0)
		b->trouble = *err;
}
