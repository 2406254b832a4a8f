/* SPDX-License-Identifier: MIT
 * What this process has mapped now.
 */
#include "engine/mem/own.h"

#include <fcntl.h>

#include "base/array.h"
#include "base/io.h"
#include "engine/mem/smaps.h"
#include "engine/procfs/root.h"

int own_maps(struct vma_list *out, struct error *err)
{
	auto_strbuf text = { 0 };
	size_t used;
	int rc = file_read_at(procfs_fd(), "self/maps", &text, err);

	return rc < 0 ? rc : smaps_parse(text.data, text.len, out, &used, err);
}

int own_ranges(struct range_list *out, struct error *err)
{
	struct vma_list maps = { 0 };
	int rc = own_maps(&maps, err);

	for (size_t i = 0; rc == 0 && i < maps.nr; i++) {
		struct range *r = array_add(out);
		if (!r)
			rc = error_set(err, ENOMEM, "out of memory for address ranges");
		else
			*r = (struct range){ maps.items[i].start, maps.items[i].end };
	}
	range_list_join(out);
	vma_list_fini(&maps);
	return rc;
}
