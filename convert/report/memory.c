/* SPDX-License-Identifier: MIT
 * Areas of memory as rows; the script of the page draws its map from them.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/page.h"
#include "convert/memory/map.h"
#include "convert/report/parts.h"

#define MAX_CELLS 256 /* of one area in the drawing: each stands for a page or more */
#define MAX_LEVEL 9

/* What is drawn when pages differ within a cell: the first of these that any page has. */
static const struct {
	enum page_state state;
	char letter;
} drawn[] = { { PG_STORED, 's' }, { PG_PARENT, 'p' }, { PG_LAZY, 'l' }, { PG_ZERO, 'z' },
	      { PG_GUARD, 'g' },  { PG_FILE, 'f' },   { PG_HOLE, 'h' } };

struct cells {
	uint64_t pages; /* of the area */
	size_t nr;
	uint64_t counts[MAX_CELLS][ARRAY_SIZE(drawn)];
};

static uint64_t cell_start(const struct cells *cells, size_t i)
{
	return (uint64_t)((unsigned __int128)cells->pages * i / cells->nr);
}

static void cells_add(struct cells *cells, uint64_t first, uint64_t end, enum page_state state)
{
	size_t which = 0;
	while (which + 1 < ARRAY_SIZE(drawn) && drawn[which].state != state)
		which++;
	size_t i = (size_t)((unsigned __int128)first * cells->nr / cells->pages);
	for (; i < cells->nr && cell_start(cells, i) < end; i++) {
		uint64_t low = cell_start(cells, i), high = cell_start(cells, i + 1);
		low = low > first ? low : first;
		high = high < end ? high : end;
		if (high > low)
			cells->counts[i][which] += high - low;
	}
}

/* "s9" a cell full of stored pages, "s1" one with a few of them. */
static void cell_code(const struct cells *cells, size_t i, char code[3])
{
	uint64_t pages = cell_start(cells, i + 1) - cell_start(cells, i);
	size_t which = 0;
	while (which + 1 < ARRAY_SIZE(drawn) && !cells->counts[i][which])
		which++;
	uint64_t level = pages ? (cells->counts[i][which] * MAX_LEVEL + pages - 1) / pages : 0;
	code[0] = drawn[which].letter;
	code[1] = (char)('0' + (level ? level : 1));
	code[2] = '\0';
}

static void cells_write(struct report *r, const struct cells *cells)
{
	char last[3] = "", code[3];
	size_t same = 0;
	for (size_t i = 0; i < cells->nr; i++) {
		cell_code(cells, i, code);
		if (same && strcmp(code, last) != 0) {
			html_rawf(&r->h, "%s*%zu ", last, same);
			same = 0;
		}
		memcpy(last, code, sizeof(last));
		same++;
	}
	html_rawf(&r->h, "%s*%zu", last, same);
}

static int cells_read(struct memory_view *mv, const struct area *area, struct cells *cells,
		      struct error *err)
{
	uint64_t start = area->vma->start, end = area->vma->end;
	memset(cells, 0, sizeof(*cells));
	cells->pages = (end - start) / PAGE;
	cells->nr = cells->pages < MAX_CELLS ? (size_t)cells->pages : MAX_CELLS;
	struct memory_run run;
	for (uint64_t at = start; at < end; at = run.end) {
		int rc = memory_view_run(mv, area, at, &run, err);
		if (rc < 0)
			return rc;
		cells_add(cells, (at - start) / PAGE, (run.end - start) / PAGE, run.state);
	}
	return 0;
}

static const char *const titles[] = { ">PID",  "Addresses", "Prot",  "Kind",   ">Size", ">Stored",
				      ">Zero", ">Parent",   ">Lazy", ">Dirty", "File" };

static int area_row(struct report *r, struct memory_view *mv, uint32_t pid, const struct area *area,
		    struct error *err)
{
	struct cells cells;
	struct page_counts counts;
	struct error why;
	char prot[5];
	uint64_t start = area->vma->start, end = area->vma->end;
	size_t mark = report_mark(r);
	int rc = cells_read(mv, area, &cells, &why);
	if (rc == 0)
		rc = page_counts_read(mv, area, start, end, &counts, &why);
	if (rc < 0)
		return report_damaged(r, pid, ARRAY_SIZE(titles), mark, rc, &why, err);
	html_rawf(&r->h,
		  "<tr data-pid=\"%" PRIu32 "\" data-start=\"%" PRIx64 "\" data-end=\"%" PRIx64
		  "\" data-kind=\"%s\" data-prot=\"%s\" data-cells=\"",
		  pid, start, end, area_kind_names[area->kind], area_prot_text(area, prot));
	cells_write(r, &cells);
	html_rawf(
	    &r->h,
	    "\"><td class=\"n\">%" PRIu32 "</td><td><code>%" PRIx64 "-%" PRIx64
	    "</code></td><td><code>%s</code></td><td><span class=\"kind k-%s\">%s</span></td>",
	    pid, start, end, prot, area_kind_names[area->kind], area_kind_names[area->kind]);
	html_cell_size(&r->h, end - start);
	html_cell_number(&r->h, counts.stored);
	html_cell_number(&r->h, counts.zero);
	html_cell_number(&r->h, counts.parent);
	html_cell_number(&r->h, counts.lazy);
	html_cell_size(&r->h, page_counts_dirty(&counts));
	html_cell(&r->h, area->path[0]   ? area->path
			 : area->unknown ? memory_view_damage(mv)
					 : NULL);
	html_raw(&r->h, "</tr>\n");
	return 0;
}

static int areas_of(struct report *r, const struct process *p, void *arg, struct error *err)
{
	(void)arg;
	auto_memory_view mv = NULL;
	const struct area *areas;
	struct error why;
	size_t mark = report_mark(r);
	int rc = memory_view_open(r->cp, p, NULL, &mv, &why);
	if (rc < 0) /* a zombie has none */
		return report_damaged(r, p->pid, ARRAY_SIZE(titles), mark, rc == -ENOENT ? 0 : rc,
				      &why, err);
	size_t nr = memory_view_areas(mv, &areas);
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = area_row(r, mv, p->pid, &areas[i], err);
	return rc;
}

int report_memory(struct report *r, struct error *err)
{
	report_section(r, "memory", "Memory");
	html_raw(&r->h,
		 "<p class=\"hint\">Bars are areas in the order of their addresses. What is "
		 "filled is stored here, half filled lies in a parent set, pale is in the mapped "
		 "file or was never touched. Red: left behind, guarded, or a line below what is "
		 "writable and executable.</p>\n<div id=\"map\"></div>\n<details id=\"areas\" "
		 "open><summary>Areas</summary>\n");
	report_table(r, "filtered", titles, ARRAY_SIZE(titles));
	int rc = report_each(r, areas_of, NULL, err);
	html_raw(&r->h, "</tbody></table></div>\n</details>\n</section>\n");
	return rc;
}
