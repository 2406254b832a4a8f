/* SPDX-License-Identifier: MIT
 * What is found in memory, as rows of a document.
 */
#pragma once

#include "base/progress.h"
#include "convert/doc/doc.h"
#include "convert/memory/search.h"
#include "convert/memory/select.h"

struct memory_report {
	struct doc *doc;      /* an open table of memory_columns */
	struct process_name { /* of the process at hand */
		uint32_t pid;
		const char *comm;
	} process;
	struct progress *progress; /* may be NULL */
	uint64_t found;            /* rows so far */
	uint64_t max;              /* stop after so many; 0: never */
};

/** Open the table both searches fill: pid, process, address, memory, file, bytes. */
void memory_report_begin(struct memory_report *report, const char *key);

/**
 * Rows are of this process from now on.
 * @param progress  begins anew, over all that will be searched; not NULL
 */
int memory_report_process(struct memory_report *report, uint32_t pid, const char *comm,
			  struct memory_view *mv, const struct memory_ranges *ranges,
			  struct progress *progress, struct error *err);

/** A row per match. @return 0; 1 when report->max is reached; -errno */
int memory_grep(struct memory_view *mv, const struct memory_ranges *ranges, struct pattern *pattern,
		struct memory_report *report, struct error *err);
/** A row per run of at least `min` printable characters (ASCII, tab). As memory_grep(). */
int memory_strings(struct memory_view *mv, const struct memory_ranges *ranges, size_t min,
		   struct memory_report *report, struct error *err);
