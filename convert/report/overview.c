/* SPDX-License-Identifier: MIT
 * The head of the page and the process tree.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/page.h"
#include "convert/describe/container.h"
#include "convert/describe/process.h"
#include "convert/memory/map.h"
#include "convert/report/parts.h"

/* Pages of a whole process. @return 0 also when it has no memory: all zero then */
static int process_pages(struct report *r, const struct process *p, struct page_counts *out,
			 struct error *err)
{
	auto_memory_view mv = NULL;
	const struct area *areas;
	*out = (struct page_counts){ 0 };
	int rc = memory_view_open(r->cp, p, NULL, &mv, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	size_t nr = memory_view_areas(mv, &areas);
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		struct page_counts counts;
		rc = page_counts_read(mv, &areas[i], areas[i].vma->start, areas[i].vma->end,
				      &counts, err);
		page_counts_add(out, &counts);
	}
	return rc;
}

static void card(struct report *r, const char *title, uint64_t value, bool is_size)
{
	html_rawf(&r->h, "<div class=\"card\"><span>%s</span><b>", title);
	if (is_size)
		html_size(&r->h, value);
	else
		html_rawf(&r->h, "%" PRIu64, value);
	html_raw(&r->h, "</b></div>\n");
}

static void cards(struct report *r)
{
	uint64_t processes = 0, threads = 0;
	struct page_counts all = { 0 };
	for (size_t i = 0; i < checkpoint_nr_processes(r->cp); i++) {
		const struct process *p = checkpoint_process(r->cp, i);
		struct page_counts counts;
		if (!report_has(r, p))
			continue;
		/* what is damaged is marked where it is a row */
		if (process_pages(r, p, &counts, NULL) == 0)
			page_counts_add(&all, &counts);
		processes++;
		threads += p->entry->n_threads;
	}
	html_raw(&r->h, "<div class=\"cards\">\n");
	card(r, "Processes", processes, false);
	card(r, "Threads", threads, false);
	card(r, "Address space", all.pages * PAGE, true);
	card(r, "Memory stored", all.stored * PAGE, true);
	if (all.parent)
		card(r, "In parent sets", all.parent * PAGE, true);
	if (all.lazy)
		card(r, "Left behind", all.lazy * PAGE, true);
	html_raw(&r->h, "</div>\n");
}

static void fact(struct report *r, const char *title, const char *value)
{
	if (!value)
		return;
	html_rawf(&r->h, "<div><dt>%s</dt><dd>", title);
	html_text(&r->h, value);
	html_raw(&r->h, "</dd></div>\n");
}

int report_overview(struct report *r, struct error *err)
{
	auto_container_facts facts = { 0 };
	const char *source = source_name(checkpoint_source(r->cp));
	const InventoryEntry *inventory = checkpoint_inventory(r->cp);
	int rc = container_describe(checkpoint_source(r->cp), &facts, err);
	if (rc < 0)
		return rc;
	html_raw(&r->h, "<section id=\"overview\">\n<header><p>Checkpoint");
	html_raw(&r->h, facts.engine ? " of a container" : "");
	html_raw(&r->h, "</p><h1>");
	html_text(&r->h, facts.words[CT_NAME] ?: source);
	html_raw(&r->h, "</h1></header>\n");
	cards(r);
	html_raw(&r->h, "<dl>\n");
	fact(r, "Source", source);
	fact(r, "Engine", facts.engine);
	for (size_t i = CT_ID; i < NR_CONTAINER_WORDS; i++)
		fact(r, container_word_names[i].title, facts.words[i]);
	if (inventory)
		fact(r, "Run id", inventory->dump_criu_run_id);
	html_raw(&r->h, "</dl>\n</section>\n");
	return rc;
}

static int command_cell(struct report *r, const struct process_facts *facts)
{
	auto_strbuf line = { 0 };
	if (facts->has_args && process_command_line(facts, &line) < 0)
		return -ENOMEM;
	html_raw(&r->h, "<td class=\"wrap\"><code>");
	html_text(&r->h, facts->has_args ? line.data ?: "" : NULL);
	html_raw(&r->h, "</code></td>");
	return 0;
}

static const char *const process_titles[] = { ">PID",     "Process", "State",
					      ">Threads", ">UID",    ">Mapped",
					      ">Stored",  "Program", "Command line" };

static int process_row(struct report *r, const struct process *p, void *arg, struct error *err)
{
	(void)arg;
	auto_process_facts facts = { 0 };
	struct page_counts counts;
	struct error why;
	size_t mark = report_mark(r);
	int rc = process_describe(r->cp, p, true, &facts, &why);
	if (rc < 0)
		return report_damaged(r, p->pid, ARRAY_SIZE(process_titles), mark, rc, &why, err);
	size_t pages_mark = report_mark(r);
	rc = process_pages(r, p, &counts, &why);
	bool counted = rc == 0 && report_mark(r) == pages_mark;
	html_rawf(&r->h,
		  "<tr class=\"process\" tabindex=\"0\" data-pid=\"%" PRIu32
		  "\"><td class=\"n\">%" PRIu32 "</td><td class=\"tree\" style=\"--depth:%u\"><b>",
		  p->pid, p->pid, p->depth);
	html_text(&r->h, facts.comm);
	html_rawf(&r->h, "</b></td><td><span class=\"state %s\">%s</span></td>",
		  !strcmp(facts.state, "?") ? "unknown" : facts.state, facts.state);
	html_cell_number(&r->h, p->entry->n_threads);
	if (facts.has_owner)
		html_rawf(&r->h, "<td class=\"n\">%" PRIu32 "</td>", facts.uid);
	else
		html_cell_no_number(&r->h);
	if (counted) {
		html_cell_size(&r->h, counts.pages * PAGE);
		html_cell_size(&r->h, counts.stored * PAGE);
	} else {
		html_cell_no_number(&r->h);
		html_cell_no_number(&r->h);
	}
	html_cell(&r->h, facts.exe);
	if (command_cell(r, &facts) < 0)
		return error_set(err, ENOMEM, "pid %u: out of memory", p->pid);
	html_raw(&r->h, "</tr>\n");
	return report_damaged(r, p->pid, ARRAY_SIZE(process_titles), mark, rc, &why, err);
}

int report_processes(struct report *r, struct error *err)
{
	report_section(r, "processes", "Processes");
	html_raw(&r->h,
		 "<p class=\"hint\">Choose a process to see its memory, descriptors, sockets "
		 "and environment alone; choose it again to see all.</p>\n");
	report_table(r, "tree", process_titles, ARRAY_SIZE(process_titles));
	int rc = report_each(r, process_row, NULL, err);
	report_section_end(r);
	return rc;
}

static int environment_of(struct report *r, const struct process *p, void *arg, struct error *err)
{
	(void)arg;
	auto_process_facts facts = { 0 };
	struct error why;
	size_t mark = report_mark(r), at = 0;
	int rc = process_describe(r->cp, p, true, &facts, &why);
	for (const char *s; rc == 0 && (s = process_next_string(&facts.environment, &at));) {
		html_rawf(&r->h,
			  "<tr data-pid=\"%" PRIu32 "\"><td class=\"n\">%" PRIu32
			  "</td><td class=\"wrap\"><code>",
			  p->pid, p->pid);
		html_text(&r->h, s);
		html_raw(&r->h, "</code></td></tr>\n");
	}
	return report_damaged(r, p->pid, 2, mark, rc, &why, err);
}

int report_environment(struct report *r, struct error *err)
{
	static const char *const titles[] = { ">PID", "Variable" };
	report_section(r, "environment", "Environment");
	report_table(r, "filtered", titles, ARRAY_SIZE(titles));
	int rc = report_each(r, environment_of, NULL, err);
	report_section_end(r);
	return rc;
}
