/* SPDX-License-Identifier: MIT
 * Lists of mappings and what they are.
 */
#include "engine/context/vma.h"

#include <stdlib.h>

#include "base/array.h"

struct status_name {
	uint32_t bit;
	const char *name;
};

static const struct status_name status_names[] = {
	{ VMA_AREA_VSYSCALL, "vsyscall page" },
	{ VMA_AREA_VDSO, "vdso" },
	{ VMA_AREA_VVAR, "vvar" },
	{ VMA_AREA_UPROBES, "uprobes page" },
	{ VMA_AREA_SYSVIPC, "System V shared memory" },
	{ VMA_AREA_SOCKET, "mapped socket" },
	{ VMA_AREA_AIORING, "AIO ring" },
	{ VMA_AREA_MEMFD, "memfd mapping" },
	{ VMA_AREA_SHSTK, "shadow stack" },
	{ VMA_AREA_GUARD, "guard region" },
	{ VMA_FILE_PRIVATE, "private file mapping" },
	{ VMA_FILE_SHARED, "shared file mapping" },
	{ VMA_ANON_SHARED, "shared anonymous memory" },
	{ VMA_ANON_PRIVATE, "private anonymous memory" },
};

const char *vma_kind(const struct vma *v)
{
	for (size_t i = 0; i < ARRAY_SIZE(status_names); i++)
		if (v->status & status_names[i].bit)
			return status_names[i].name;
	return "mapping";
}

bool vma_is_private(const struct vma *v)
{
	return (v->status & (VMA_ANON_PRIVATE | VMA_FILE_PRIVATE)) &&
	       !(v->status & (VMA_AREA_VSYSCALL | VMA_AREA_VVAR | VMA_AREA_GUARD));
}

struct vma *vma_list_find(const struct vma_list *list, uint64_t addr)
{
	size_t low = array_lower_bound(list->nr, k, list->items[k].end <= addr);
	return low < list->nr && list->items[low].start <= addr ? &list->items[low] : NULL;
}

void vma_list_fini(struct vma_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		free(list->items[i].path);
	free(list->items);
	free(list->guards.items);
	*list = (struct vma_list){ 0 };
}

static int range_compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

void range_list_join(struct range_list *list)
{
	size_t nr = 0;

	if (!list->nr)
		return;
	qsort(list->items, list->nr, sizeof(*list->items), range_compare);
	for (size_t i = 1; i < list->nr; i++) {
		struct range *last = &list->items[nr], *r = &list->items[i];
		if (r->start > last->end)
			list->items[++nr] = *r;
		else if (r->end > last->end)
			last->end = r->end;
	}
	list->nr = nr + 1;
}

/* Of a joined list: the last range that overlaps [start, end), or NULL. */
static const struct range *range_list_overlap(const struct range_list *list, uint64_t start,
					      uint64_t end)
{
	size_t nr = array_lower_bound(list->nr, k, list->items[k].start < end);
	return nr && list->items[nr - 1].end > start ? &list->items[nr - 1] : NULL;
}

uint64_t range_list_gap(const struct range_list *a, const struct range_list *b, uint64_t from,
			uint64_t limit, uint64_t size)
{
	uint64_t at = from, end;

	while (!__builtin_add_overflow(at, size, &end) && end <= limit) {
		const struct range *r = range_list_overlap(a, at, end);
		if (!r && b)
			r = range_list_overlap(b, at, end);
		if (!r)
			return at;
		at = r->end;
	}
	return 0;
}
