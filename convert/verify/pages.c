/* SPDX-License-Identifier: MIT
 * Page maps: every page lies in an area and has its bytes, here or in a parent set, and the page
 * data is neither shorter nor longer than the maps say.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"
#include "convert/verify/check.h"
#include "images/checkpoint.h"
#include "images/page-store.h"
#include "images/vma-status.h"

enum { CHAIN_MAX = 256 };

/* Bytes that the page maps of a set want of one pages image. */
struct want {
	uint32_t pages_id;
	uint64_t bytes;
};

struct pages_check {
	struct check *check;
	struct source *src; /* the set, or one of its parents */
	struct source *parent;
	const struct checkpoint *cp; /* of the set; NULL: areas are not known */
	bool is_parent;              /* findings name the set */
	bool skipped;                /* a map could not be read: what it wants is not known */
	struct {
		struct want *items;
		size_t nr, cap;
	} wants;
};

/* One page map under way. */
struct map {
	struct pages_check *pc;
	const char *image;
	bool shared;
	uint64_t number;
	const MmEntry *mm;            /* NULL: areas are not known */
	struct page_store *in_parent; /* NULL: not opened */
	uint64_t entry;
	size_t area; /* no page can be in an area before it */
};

#define map_finding(map, fmt, ...)                                                                 \
	finding_at((map)->pc->check, (map)->image, &(map)->entry, NULL, "%s%s" fmt,                \
		   (map)->pc->is_parent ? source_name((map)->pc->src) : "",                        \
		   (map)->pc->is_parent ? ": " : "", ##__VA_ARGS__)

/* Pages of a process lie in its areas, which are in address order. */
static void in_areas(struct map *map, const struct page_run *run)
{
	uint64_t at = run->addr, end = run->addr + run->nr_pages * PAGE;
	if (!map->mm)
		return;
	while (map->area < map->mm->n_vmas) {
		const VmaEntry *vma = map->mm->vmas[map->area];
		bool skip = vma->end <= at || (vma->status & VMA_AREA_GUARD);
		if (!skip && vma->start > at)
			break;
		if (!skip && vma->end >= end)
			return;
		if (!skip)
			at = vma->end;
		map->area++;
	}
	map_finding(map, "pages at %#" PRIx64 " lie in no area of the process", at);
}

static void in_segment(struct map *map, const struct page_run *run)
{
	const struct check *check = map->pc->check;
	uint64_t end = run->addr + run->nr_pages * PAGE;
	for (size_t i = 0; i < check->segments.nr; i++) {
		const struct segment *segment = &check->segments.items[i];
		if (segment->id == map->number && end > (segment->size + PAGE - 1) / PAGE * PAGE)
			map_finding(map,
				    "pages up to %#" PRIx64 ", the segment has %#" PRIx64 " bytes",
				    end, segment->size);
	}
}

static int parent_map_open(struct map *map, struct error *err)
{
	if (map->in_parent)
		return 0;
	if (!map->pc->parent)
		return error_set(err, EBADMSG, "pages are in a parent set, and there is none");
	return map->shared
		   ? page_store_open_shmem(map->pc->parent, map->number, &map->in_parent, err)
		   : page_store_open(map->pc->parent, (uint32_t)map->number, &map->in_parent, err);
}

/* @return -EBADMSG with what is missing: the caller makes it one finding */
static int in_parent(struct map *map, const struct page_run *run, struct error *err)
{
	uint64_t at = run->addr, end = run->addr + run->nr_pages * PAGE;
	int rc = parent_map_open(map, err);
	while (rc >= 0 && at < end) {
		struct page_run there;
		rc = page_store_find(map->in_parent, at, &there, err);
		if (rc < 0)
			break;
		if (rc == 0 || there.addr > at || there.kind == PAGE_LAZY)
			return error_set(err, EBADMSG,
					 "the page at %#" PRIx64 " is not in the parent set", at);
		at = there.addr + there.nr_pages * PAGE;
	}
	return rc < 0 ? rc : 0;
}

static int want_add(struct pages_check *pc, uint32_t pages_id, uint64_t bytes, struct error *err)
{
	for (size_t i = 0; i < pc->wants.nr; i++) {
		struct want *want = &pc->wants.items[i];
		if (want->pages_id != pages_id)
			continue;
		if (want->bytes < bytes)
			want->bytes = bytes;
		return 0;
	}
	struct want *want = array_add(&pc->wants);
	if (!want)
		return error_set(err, ENOMEM, "out of memory");
	*want = (struct want){ pages_id, bytes };
	return 0;
}

/* @return 0; -EBADMSG: the rest of the map cannot be looked at; -ENOMEM */
static int runs_check(struct map *map, struct page_store *ps, struct error *err)
{
	uint64_t bytes = 0;
	struct page_run run;
	bool parent_said = false;
	int rc;
	for (map->entry = 1; (rc = page_store_next(ps, &run, err)) == 1; map->entry++) {
		struct error why = { 0 };
		if (map->shared)
			in_segment(map, &run);
		else
			in_areas(map, &run);
		if (run.kind == PAGE_PRESENT)
			bytes = run.offset + run.nr_pages * PAGE;
		if (run.kind != PAGE_PARENT || parent_said)
			continue;
		rc = in_parent(map, &run, &why);
		if (rc == -ENOMEM)
			return error_set(err, rc, "%s", why.text);
		if (rc < 0) {
			map_finding(map, "%s", why.text);
			parent_said = true;
		}
	}
	return rc < 0 ? rc : want_add(map->pc, page_store_pages_id(ps), bytes, err);
}

static int map_check(struct pages_check *pc, const char *name, const struct image_type *type,
		     struct error *err)
{
	struct error why = { 0 };
	auto_page_store ps = NULL;
	auto_message MmEntry *mm = NULL;
	bool shared = type->id == IMG_SHMEM_PAGEMAP;
	uint64_t number = strtoull(name + strcspn(name, "0123456789"), NULL, 10);
	struct map map = { .pc = pc, .image = name, .shared = shared, .number = number };
	int rc = shared ? page_store_open_shmem(pc->src, number, &ps, &why)
			: page_store_open(pc->src, (uint32_t)number, &ps, &why);
	if (rc == 0 && !shared && pc->cp) {
		const struct process p = { .pid = (uint32_t)number };
		if (process_mm(pc->cp, &p, &mm, NULL) == 0)
			map.mm = mm;
	}
	if (rc == 0)
		rc = runs_check(&map, ps, &why);
	page_store_close(map.in_parent);
	if (rc == -ENOMEM)
		return error_set(err, rc, "%s", why.text);
	if (rc < 0) {
		map_finding(&map, "%s", damage_reason(name, why.text));
		pc->skipped = true;
	}
	return 0;
}

/* Page data that is longer than its maps, or that no map uses. */
static void sizes_check(struct pages_check *pc)
{
	struct check *check = pc->check;
	for (size_t i = 0; i < check->nr_members; i++) {
		const struct source_member *m = &check->members[i];
		const struct image_type *type = image_type_by_filename(m->name);
		if (!type || type->id != IMG_PAGES || !m->own)
			continue;
		uint64_t id = strtoull(m->name + strlen("pages-"), NULL, 10);
		const struct want *want = NULL;
		for (size_t k = 0; k < pc->wants.nr; k++) {
			if (pc->wants.items[k].pages_id == id)
				want = &pc->wants.items[k];
		}
		if (!want)
			finding_at(check, m->name, NULL, NULL, "no page map uses it");
		else if (m->size > want->bytes)
			finding_at(check, m->name, NULL, NULL,
				   "%" PRIu64 " bytes, its page map has %" PRIu64, m->size,
				   want->bytes);
	}
}

static int maps_check(struct pages_check *pc, struct error *err)
{
	const struct source_member *members = pc->check->members;
	ssize_t nr = (ssize_t)pc->check->nr_members;
	if (pc->is_parent) /* listing the set again would move the members of the check */
		nr = source_list(pc->src, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		const struct image_type *type = image_type_by_filename(members[i].name);
		if (!type || !members[i].own ||
		    (type->id != IMG_PAGEMAP && type->id != IMG_SHMEM_PAGEMAP))
			continue;
		if (!pc->is_parent && pc->check->broken[i])
			pc->skipped = true;
		else
			rc = map_check(pc, members[i].name, type, err);
	}
	if (rc == 0 && !pc->is_parent && !pc->skipped)
		sizes_check(pc);
	free(pc->wants.items);
	return rc;
}

/* Parents are looked at as far as their pages go: each set's pages in the next. */
int check_pages(struct check *check, struct error *err)
{
	auto_source owned = NULL;
	auto_checkpoint cp = NULL;
	struct source *src = check->src;
	/* no areas, no check: a pre-dump has none, a broken image was found by the walk */
	if (check->has_tree && checkpoint_open(src, &cp, NULL) < 0)
		cp = NULL;
	for (unsigned depth = 0; depth < CHAIN_MAX; depth++) {
		struct error why = { 0 };
		auto_source parent = NULL;
		int rc = source_open_parent(src, &parent, &why);
		if (rc < 0)
			finding_at(check, "parent", NULL, NULL, "%s", why.text);
		struct pages_check pc = { .check = check,
					  .src = src,
					  .parent = parent,
					  .cp = depth ? NULL : cp,
					  .is_parent = depth > 0 };
		rc = maps_check(&pc, err);
		if (rc < 0 || !parent)
			return rc;
		source_close(owned);
		owned = take_ptr(parent);
		src = owned;
	}
	finding_at(check, "parent", NULL, NULL, "more than %d sets: a loop", CHAIN_MAX);
	return 0;
}
