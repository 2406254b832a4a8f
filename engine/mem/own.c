/* SPDX-License-Identifier: MIT
 * What this process has mapped now.
 */
#include "engine/mem/own.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

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
	auto_strbuf text = { 0 };
	int rc = file_read_at(procfs_fd(), "self/maps", &text, err);

	/* Only the addresses that begin each line: every task reads this several times. */
	for (const char *line = text.data; rc >= 0 && line && *line;) {
		char *end;
		uint64_t from = strtoull(line, &end, 16), to = strtoull(end + 1, &end, 16);
		struct range *last = out->nr ? &out->items[out->nr - 1] : NULL;
		if (last && last->end == from)
			last->end = to;
		else if ((last = array_add(out)))
			*last = (struct range){ from, to };
		else
			return error_set(err, ENOMEM, "out of memory for address ranges");
		line = strchr(end, '\n');
		line = line ? line + 1 : NULL;
	}
	return rc < 0 ? rc : 0;
}
