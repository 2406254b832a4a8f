/* SPDX-License-Identifier: MIT
 * Memory maps: each area with where its pages are, and sums of them.
 */
#pragma once

#include "convert/doc/doc.h"
#include "convert/memory/select.h"

struct page_counts {
	uint64_t pages;  /* all of them */
	uint64_t stored; /* in this set */
	uint64_t zero, parent, lazy, guard;
	uint64_t shared; /* of the stored ones, those in a segment others may map too */
};
/** Count the pages of [start, end), which lies in one area. */
int page_counts_read(struct memory_view *mv, const struct area *area, uint64_t start, uint64_t end,
		     struct page_counts *out, struct error *err);
void page_counts_add(struct page_counts *to, const struct page_counts *counts);
/** Bytes the process wrote and this set has: of its private pages those stored. */
uint64_t page_counts_dirty(const struct page_counts *counts);

/** "rwxp": protection, and whether it is shared. @param out  5 bytes. @return out */
const char *area_prot_text(const struct area *area, char out[5]);

/* Sums while maps are written. */
struct map_totals {
	struct page_counts kinds[NR_AREA_KINDS], all;
	size_t areas[NR_AREA_KINDS];
	struct map_file {
		char *path;
		struct page_counts counts;
	} * files;
	size_t nr_files, cap_files;
};
void map_totals_fini(struct map_totals *totals);
#define auto_map_totals __attribute__((cleanup(map_totals_fini))) struct map_totals

/** Open the table that map_write() fills; doc_end() closes it. */
void map_table_begin(struct doc *doc);
/** A row per range. What is passed over is named in the row, and the sums go without it. */
int map_write(struct memory_view *mv, uint32_t pid, const struct memory_ranges *ranges,
	      struct map_totals *totals, struct doc *doc, struct error *err);
/** Tables of sums per kind and per file. */
void map_totals_write(struct map_totals *totals, struct doc *doc);
