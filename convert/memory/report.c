/* SPDX-License-Identifier: MIT
 * Searches of memory.
 */
#include "convert/memory/report.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "convert/memory/printable.h"
#include "convert/memory/scan.h"

#define STRING_MAX 4096 /* longer ones are shown in pieces */

static const struct doc_column columns[] = {
	{ "pid", "PID", DOC_RIGHT },         { "comm", "PROCESS", DOC_LEFT },
	{ "address", "ADDRESS", DOC_RIGHT }, { "kind", "MEMORY", DOC_LEFT },
	{ "path", "FILE", DOC_LEFT },        { "text", "BYTES", DOC_LEFT },
};

void memory_report_begin(struct memory_report *report, const char *key)
{
	doc_table(report->doc, key, NULL, columns, ARRAY_SIZE(columns));
}

int memory_report_process(struct memory_report *report, uint32_t pid, const char *comm,
			  struct memory_view *mv, const struct memory_ranges *ranges,
			  struct progress *progress, struct error *err)
{
	uint64_t size;
	int rc = memory_scan_size(mv, ranges, &size, err);
	if (rc < 0)
		return rc;
	progress_start(progress, "searching", size);
	report->process = (struct process_name){ pid, comm };
	report->progress = progress;
	return 0;
}

/* @return 1 when that was the last that is wanted */
static int add_row(struct memory_report *report, struct memory_view *mv, uint64_t addr,
		   const void *bytes, size_t len)
{
	const struct area *area = memory_view_find(mv, addr);
	doc_row(report->doc);
	doc_u64(report->doc, NULL, NULL, report->process.pid);
	doc_str(report->doc, NULL, NULL, report->process.comm);
	doc_hex(report->doc, NULL, NULL, addr);
	doc_str(report->doc, NULL, NULL, area ? area_kind_names[area->kind] : NULL);
	doc_str(report->doc, NULL, NULL, area && area->path[0] ? area->path : NULL);
	doc_bytes(report->doc, NULL, NULL, bytes, len);
	report->found++;
	return (report->max && report->found >= report->max) || doc_failed(report->doc);
}

struct grep {
	struct memory_view *mv;
	struct pattern *pattern;
	struct memory_report *report;
	uint64_t next; /* matches do not overlap: none before this address */
};

static int grep_window(void *arg, const struct scan_window *w, struct error *err)
{
	struct grep *g = arg;
	size_t from = g->next > w->addr ? (size_t)(g->next - w->addr) : 0, start, len;
	int rc;
	while ((rc = pattern_find(g->pattern, w->bytes, w->len, from, &start, &len, err)) > 0) {
		if (start >= w->fresh)
			return 0; /* the next window has it whole */
		if (add_row(g->report, g->mv, w->addr + start, w->bytes + start, len))
			return 1;
		from = start + len;
		g->next = w->addr + from;
	}
	return rc;
}

int memory_grep(struct memory_view *mv, const struct memory_ranges *ranges, struct pattern *pattern,
		struct memory_report *report, struct error *err)
{
	struct grep g = { mv, pattern, report, 0 };
	return memory_scan(mv, ranges, pattern_overlap(pattern), report->progress, grep_window, &g,
			   err);
}

struct strings {
	struct memory_view *mv;
	struct memory_report *report;
	size_t min;
	uint64_t start; /* of the string at hand */
	size_t len;
	char text[STRING_MAX];
};

static int string_end(struct strings *s)
{
	size_t len = s->len;
	s->len = 0;
	return len >= s->min ? add_row(s->report, s->mv, s->start, s->text, len) : 0;
}

static int strings_window(void *arg, const struct scan_window *w, struct error *err)
{
	struct strings *s = arg;
	(void)err;
	if (w->first && string_end(s))
		return 1;
	for (size_t i = 0; i < w->len;) {
		if (!s->len) {
			i += printable_none(w->bytes + i, w->len - i, s->min);
			s->start = w->addr + i;
		}
		size_t room = STRING_MAX - s->len, left = w->len - i;
		size_t run = printable_run(w->bytes + i, left < room ? left : room);
		memcpy(s->text + s->len, w->bytes + i, run);
		s->len += run;
		i += run;
		if (i == w->len)
			break; /* the next window may go on with it */
		if (s->len && string_end(s))
			return 1;
		i += !is_printable(w->bytes[i]);
	}
	return 0;
}

int memory_strings(struct memory_view *mv, const struct memory_ranges *ranges, size_t min,
		   struct memory_report *report, struct error *err)
{
	struct strings s = { .mv = mv, .report = report, .min = min ? min : 1 };
	int rc = memory_scan(mv, ranges, 0, report->progress, strings_window, &s, err);
	return rc == 0 ? string_end(&s) : rc;
}
