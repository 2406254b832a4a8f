/* SPDX-License-Identifier: MIT
 * Any text as smaps: mappings come out sorted, apart and aligned, or an error does.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/mem/smaps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vma_list l = { 0 };
	struct error err = { 0 };
	size_t used = 0;

	int rc = smaps_parse((const char *)data, size, &l, &used, &err);
	if (rc == 0 && used > size)
		abort();
	for (size_t i = 0; i < l.nr; i++)
		if (l.items[i].start >= l.items[i].end || l.items[i].start % 4096 ||
		    (i && l.items[i].start < l.items[i - 1].end))
			abort();
	vma_list_fini(&l);
	return 0;
}
