/* SPDX-License-Identifier: MIT
 * Which part of a process's memory is meant: an address, a range, an area, areas of a kind, of a
 * protection, of a file. All that is given must fit.
 */
#pragma once

#include "images/memory-view.h"

struct memory_range {
	uint64_t start, end;
};

struct memory_query {
	const char *range; /* "ADDR" or "START-END", hexadecimal as in maps, 0x or not; NULL: all */
	const char *kind;  /* of areas: "heap", "stack", …; NULL: any */
	const char *area;  /* number of an area, from 0 in address order; NULL: any */
	const char *prot;  /* of areas: "rwx" has all of these, "r-x" is exactly so; NULL: any */
	const char *file;  /* a shell pattern for the path or its last part; NULL: any */
};

struct memory_ranges {
	struct memory_range *items; /* in address order; each lies within one area */
	size_t nr, cap;
};

/** Has an area the protection and the file? One whose file cannot be told may be the one. */
bool memory_query_fits(const struct memory_query *query, const struct area *area);

/** Can it be read? What it selects is another question. @return 0 or -EINVAL */
int memory_query_check(const struct memory_query *query, struct error *err);

/**
 * Resolve a query. An address means the page it is in; a range may reach over several areas.
 * @param out  release with memory_ranges_fini()
 * @return 0; -EINVAL when the query cannot be read, or there is no area of that number; -ENOENT
 *         when it selects nothing
 */
int memory_select(struct memory_view *mv, const struct memory_query *query,
		  struct memory_ranges *out, struct error *err);
void memory_ranges_fini(struct memory_ranges *ranges);
#define auto_memory_ranges __attribute__((cleanup(memory_ranges_fini))) struct memory_ranges
