/* SPDX-License-Identifier: MIT
 * What this process has mapped now.
 */
#include "engine/mem/own.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

	/* Only the addresses that begin each line. */
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

static int note(struct range_list *own, uint64_t start, uint64_t end, struct error *err)
{
	struct range *r = array_add(own);
	if (!r)
		return error_set(err, ENOMEM, "out of memory for address ranges");
	*r = (struct range){ start, end };
	range_list_join(own);
	return 0;
}

int own_reserve(const struct range_list *busy, struct range_list *own, const struct own_gap *gap,
		uint64_t *at, struct error *err)
{
	for (bool fresh = false;; fresh = true) {
		if (fresh || !own->nr) {
			fresh = true;
			own->nr = 0;
			int rc = own_ranges(own, err);
			if (rc < 0)
				return rc;
		}
		uint64_t low =
		    range_list_gap(busy, own, gap->from, gap->limit, gap->size + 3 * gap->align);
		if (!low)
			return error_set(err, ENOMEM,
					 "no %lu bytes of address space are free both now and in "
					 "the restored task",
					 (unsigned long)gap->size);
		*at = (low + 2 * gap->align - 1) & ~(gap->align - 1);
		void *got = mmap((void *)(uintptr_t)*at, gap->size, gap->prot,
				 (gap->shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS |
				     MAP_NORESERVE | MAP_FIXED_NOREPLACE,
				 -1, 0);
		if (got != MAP_FAILED)
			return note(own, *at, *at + gap->size, err);
		if (errno != EEXIST || fresh)
			return error_sys(err, "reserve %lu bytes at %#lx", (unsigned long)gap->size,
					 (unsigned long)*at);
	}
}
