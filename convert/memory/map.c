/* SPDX-License-Identifier: MIT
 * Memory maps as rows of documents.
 */
#include "convert/memory/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/page.h"

int page_counts_read(struct memory_view *mv, const struct area *area, uint64_t start, uint64_t end,
		     struct page_counts *out, struct error *err)
{
	*out = (struct page_counts){ .pages = (end - start) / PAGE };
	for (struct memory_run run; start < end; start = run.end) {
		int rc = memory_view_run(mv, area, start, &run, err);
		if (rc < 0)
			return rc;
		uint64_t pages = ((run.end < end ? run.end : end) - start) / PAGE;
		if (run.state == PG_STORED) {
			out->stored += pages;
			out->shared += area->has_segment ? pages : 0;
		}
		out->zero += run.state == PG_ZERO ? pages : 0;
		out->parent += run.state == PG_PARENT ? pages : 0;
		out->lazy += run.state == PG_LAZY ? pages : 0;
		out->guard += run.state == PG_GUARD ? pages : 0;
	}
	return 0;
}

void page_counts_add(struct page_counts *to, const struct page_counts *counts)
{
	to->pages += counts->pages;
	to->stored += counts->stored;
	to->zero += counts->zero;
	to->parent += counts->parent;
	to->lazy += counts->lazy;
	to->guard += counts->guard;
	to->shared += counts->shared;
}

uint64_t page_counts_dirty(const struct page_counts *counts)
{
	return (counts->stored - counts->shared) * PAGE;
}

const char *area_prot_text(const struct area *area, char out[5])
{
	uint32_t prot = area->vma->prot;
	out[0] = prot & PROT_READ ? 'r' : '-';
	out[1] = prot & PROT_WRITE ? 'w' : '-';
	out[2] = prot & PROT_EXEC ? 'x' : '-';
	out[3] = area->private ? 'p' : 's';
	out[4] = '\0';
	return out;
}

/* The columns every table of counts ends with. */
#define COUNT_COLUMNS                                                                              \
	{ "size_bytes", "SIZE", DOC_RIGHT }, { "stored_pages", "STORED", DOC_RIGHT },              \
	    { "zero_pages", "ZERO", DOC_RIGHT }, { "parent_pages", "PARENT", DOC_RIGHT },          \
	    { "lazy_pages", "LAZY", DOC_RIGHT }, { "shared_pages", "SHARED", DOC_RIGHT },          \
	    { "guard_pages", NULL, DOC_RIGHT },                                                    \
	{                                                                                          \
		"dirty_bytes", "DIRTY", DOC_RIGHT                                                  \
	}

enum { COUNTS_OF_STATES = 7 };

static void count_cells(const struct page_counts *counts, bool known, struct doc *doc)
{
	doc_size(doc, NULL, NULL, counts->pages * PAGE);
	for (int i = 0; !known && i < COUNTS_OF_STATES; i++)
		doc_none(doc, NULL, NULL);
	if (!known)
		return;
	doc_u64(doc, NULL, NULL, counts->stored);
	doc_u64(doc, NULL, NULL, counts->zero);
	doc_u64(doc, NULL, NULL, counts->parent);
	doc_u64(doc, NULL, NULL, counts->lazy);
	doc_u64(doc, NULL, NULL, counts->shared);
	doc_u64(doc, NULL, NULL, counts->guard);
	doc_size(doc, NULL, NULL, page_counts_dirty(counts));
}

void map_table_begin(struct doc *doc)
{
	static const struct doc_column columns[] = {
		{ "pid", "PID", DOC_RIGHT },       { "start", "START", DOC_RIGHT },
		{ "end", "END", DOC_RIGHT },       { "prot", "PROT", DOC_LEFT },
		{ "kind", "KIND", DOC_LEFT },      COUNT_COLUMNS,
		{ "offset", "OFFSET", DOC_RIGHT }, { "path", "FILE", DOC_LEFT },
		{ "error", NULL, DOC_LEFT },
	};
	doc_table(doc, "areas", NULL, columns, ARRAY_SIZE(columns));
}

static bool has_file(const struct area *area)
{
	return area->kind == AREA_FILE || area->kind == AREA_FILE_SHARED ||
	       area->kind == AREA_MEMFD;
}

struct area_facts {
	struct memory_range range; /* the part of it that is wanted */
	uint32_t pid;
	struct page_counts counts;
	bool counted;
	const char *error; /* NULL: nothing is damaged */
};

static void area_row(const struct area *area, const struct area_facts *f, struct doc *doc)
{
	char prot[5];
	doc_row(doc);
	doc_u64(doc, NULL, NULL, f->pid);
	doc_hex(doc, NULL, NULL, f->range.start);
	doc_hex(doc, NULL, NULL, f->range.end);
	doc_str(doc, NULL, NULL, area_prot_text(area, prot));
	doc_str(doc, NULL, NULL, area_kind_names[area->kind]);
	count_cells(&f->counts, f->counted, doc);
	if (has_file(area))
		doc_hex(doc, NULL, NULL, area->vma->pgoff + (f->range.start - area->vma->start));
	else
		doc_none(doc, NULL, NULL);
	doc_str(doc, NULL, NULL, area->path[0] ? area->path : NULL);
	doc_str(doc, NULL, NULL, f->error);
}

void map_totals_fini(struct map_totals *totals)
{
	for (size_t i = 0; i < totals->nr_files; i++)
		free(totals->files[i].path);
	free(totals->files);
	*totals = (struct map_totals){ 0 };
}

static int file_compare(const void *a, const void *b)
{
	return strcmp(((const struct map_file *)a)->path, ((const struct map_file *)b)->path);
}

/* Areas of one file follow each other: only the last is looked at, the rest is done at the end. */
static int totals_add(struct map_totals *totals, const struct area *area,
		      const struct page_counts *counts)
{
	page_counts_add(&totals->all, counts);
	page_counts_add(&totals->kinds[area->kind], counts);
	totals->areas[area->kind]++;
	if (!area->path[0])
		return 0;
	struct map_file *last = totals->nr_files ? &totals->files[totals->nr_files - 1] : NULL;
	if (!last || strcmp(last->path, area->path)) {
		struct map_file *grown = array_grow_(totals->files, &totals->cap_files,
						     totals->nr_files + 1, sizeof(*totals->files));
		char *path = strdup(area->path);
		totals->files = grown ?: totals->files;
		if (!grown || !path) {
			free(path);
			return -ENOMEM;
		}
		last = &totals->files[totals->nr_files++];
		*last = (struct map_file){ .path = path };
	}
	page_counts_add(&last->counts, counts);
	return 0;
}

static int area_write(struct memory_view *mv, const struct area *area, struct area_facts *f,
		      struct map_totals *totals, struct doc *doc, struct error *err)
{
	struct error why;
	int rc = page_counts_read(mv, area, f->range.start, f->range.end, &f->counts, &why);
	if (rc < 0 && !memory_view_passes(mv, rc, &why))
		return error_set(err, rc, "%s", why.text);
	f->counted = rc == 0;
	f->error = rc < 0 ? why.text : area->unknown ? memory_view_damage(mv) : NULL;
	area_row(area, f, doc);
	if (!f->counted)
		f->counts = (struct page_counts){ .pages = f->counts.pages };
	return totals_add(totals, area, &f->counts) < 0
		   ? error_set(err, ENOMEM, "mm-%u.img: out of memory", f->pid)
		   : 0;
}

int map_write(struct memory_view *mv, uint32_t pid, const struct memory_ranges *ranges,
	      struct map_totals *totals, struct doc *doc, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ranges->nr; i++) {
		struct area_facts facts = { .range = ranges->items[i], .pid = pid };
		/* Whole pages; areas are made of them. */
		facts.range.start &= ~(uint64_t)(PAGE - 1);
		facts.range.end = (facts.range.end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
		const struct area *area = memory_view_find(mv, facts.range.start);
		if (area)
			rc = area_write(mv, area, &facts, totals, doc, err);
	}
	return rc;
}

static void files_write(struct map_totals *totals, struct doc *doc)
{
	static const struct doc_column columns[] = { { "path", "FILE", DOC_LEFT }, COUNT_COLUMNS };
	if (totals->nr_files)
		qsort(totals->files, totals->nr_files, sizeof(*totals->files), file_compare);
	doc_table(doc, "files", "By file", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < totals->nr_files; i++) {
		const struct map_file *file = &totals->files[i];
		struct page_counts sum = file->counts;
		for (; i + 1 < totals->nr_files && !strcmp(file->path, totals->files[i + 1].path);
		     i++)
			page_counts_add(&sum, &totals->files[i + 1].counts);
		doc_row(doc);
		doc_str(doc, NULL, NULL, file->path);
		count_cells(&sum, true, doc);
	}
	doc_end(doc);
}

void map_totals_write(struct map_totals *totals, struct doc *doc)
{
	static const struct doc_column columns[] = { { "kind", "KIND", DOC_LEFT },
						     { "areas", "AREAS", DOC_RIGHT },
						     COUNT_COLUMNS };
	size_t areas = 0;
	doc_table(doc, "kinds", "By kind", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < NR_AREA_KINDS; i++) {
		areas += totals->areas[i];
		if (!totals->areas[i])
			continue;
		doc_row(doc);
		doc_str(doc, NULL, NULL, area_kind_names[i]);
		doc_u64(doc, NULL, NULL, totals->areas[i]);
		count_cells(&totals->kinds[i], true, doc);
	}
	doc_row(doc);
	doc_str(doc, NULL, NULL, "total");
	doc_u64(doc, NULL, NULL, areas);
	count_cells(&totals->all, true, doc);
	doc_end(doc);
	files_write(totals, doc);
}
