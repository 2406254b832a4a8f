/* SPDX-License-Identifier: MIT
 * The memory of a process: its areas, and where their pages are.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/page.h"
#include "convert/memory/map.h"
#include "viewer/app.h"
#include "viewer/hex.h"
#include "viewer/image.h"
#include "viewer/views.h"

enum { BAR = 14, RUNS_MAX = 2048 };

struct area_facts {
	uint64_t stored;
	uint64_t damaged_at; /* when it is damaged: that is not known */
	uint8_t bar[BAR];    /* enum style of each part */
	bool read, damaged;
};

struct memory_state {
	struct memory *memory;
	const struct area *areas;
	size_t nr;
	struct area_facts *facts;
	size_t counted; /* areas in totals */
	size_t damaged; /* of those in totals: not wholly known */
	struct page_counts all;
	struct {
		uint64_t bytes, stored;
	} kinds[NR_AREA_KINDS];
};

static const struct column columns[] = {
	{ "START", 16, true, 0 },   { "SIZE", 5, true, 0 },      { "PROT", 4, false, 0 },
	{ "KIND", 11, false, 100 }, { "PAGES", BAR, false, 60 }, { "STORED", 6, true, 0 },
	{ "FILE", 0, false, 0 },
};

static struct memory_state *state_of(struct view *v)
{
	return v->state;
}

static const enum style kind_styles[NR_AREA_KINDS] = {
	[AREA_ANON] = ST_KIND_ANON,          [AREA_HEAP] = ST_KIND_HEAP,
	[AREA_STACK] = ST_KIND_STACK,        [AREA_FILE] = ST_KIND_FILE,
	[AREA_FILE_SHARED] = ST_KIND_SHARED, [AREA_SHMEM] = ST_KIND_SHARED,
	[AREA_SYSV] = ST_KIND_SHARED,        [AREA_MEMFD] = ST_KIND_SHARED,
	[AREA_VDSO] = ST_KIND_KERNEL,        [AREA_VVAR] = ST_KIND_KERNEL,
	[AREA_VSYSCALL] = ST_KIND_KERNEL,    [AREA_AIO] = ST_KIND_KERNEL,
	[AREA_SOCKET] = ST_KIND_KERNEL,      [AREA_OTHER] = ST_KIND_KERNEL,
};

/* Rare things are seen before common ones: the greater wins a part of the bar. */
static const struct {
	enum style style;
	unsigned rank;
} state_looks[] = {
	[PG_HOLE] = { ST_PAGE_ABSENT, 1 },   [PG_ZERO] = { ST_PAGE_ZERO, 3 },
	[PG_STORED] = { ST_PAGE_STORED, 6 }, [PG_PARENT] = { ST_PAGE_PARENT, 5 },
	[PG_LAZY] = { ST_PAGE_LAZY, 7 },     [PG_FILE] = { ST_PAGE_ABSENT, 2 },
	[PG_GUARD] = { ST_PAGE_ABSENT, 1 },
};

static size_t bar_part(const struct area *area, uint64_t at)
{
	uint64_t start = area->vma->start;
	return (size_t)((double)(at - start) * BAR / (double)(area->vma->end - start));
}

static void bar_fill(struct area_facts *facts, size_t from, enum style style)
{
	for (size_t k = from; k < BAR; k++)
		facts->bar[k] = (uint8_t)style;
}

/* Of an area with very many runs only so many are looked at one by one. */
static void facts_read(struct memory_state *s, size_t i)
{
	const struct area *area = &s->areas[i];
	struct area_facts *facts = &s->facts[i];
	uint8_t rank[BAR] = { 0 };
	uint64_t at = area->vma->start;
	facts->read = true;
	for (size_t runs = 0; at < area->vma->end; runs++) {
		struct memory_run run;
		struct error err;
		int rc = memory_view_run(s->memory->mv, area, at, &run, &err);
		if (rc < 0) {
			memory_view_passes(s->memory->mv, rc, &err);
			facts->damaged = true;
			facts->damaged_at = at;
			bar_fill(facts, bar_part(area, at), ST_ERROR);
			return;
		}
		size_t first = bar_part(area, at), last = bar_part(area, run.end - 1);
		for (size_t k = first; k <= last && k < BAR; k++) {
			if (state_looks[run.state].rank <= rank[k])
				continue;
			rank[k] = (uint8_t)state_looks[run.state].rank;
			facts->bar[k] = (uint8_t)(run.state == PG_STORED && area->has_segment
						      ? ST_PAGE_SHARED
						      : state_looks[run.state].style);
		}
		if (run.state == PG_STORED)
			facts->stored += run.end - at;
		at = run.end;
		if (runs == RUNS_MAX) { /* the sums are exact, the bar goes on in steps */
			struct page_counts counts;
			if (page_counts_read(s->memory->mv, area, at, area->vma->end, &counts,
					     NULL) < 0)
				facts->damaged = true;
			facts->damaged_at = area->vma->end - PAGE;
			facts->stored += counts.stored * PAGE;
			bar_fill(facts, last + 1, ST_PAGE_STORED);
			return;
		}
	}
}

static int areas_show(struct memory_state *s, struct error *err)
{
	s->nr = memory_view_areas(s->memory->mv, &s->areas);
	s->facts = calloc(s->nr + 1, sizeof(*s->facts));
	return s->facts ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int memory_open(struct view *v, struct error *err)
{
	struct memory_state *s = v->state;
	int rc = memory_begin(v->app, v->process, &s->memory, err);
	if (rc == 0)
		rc = memory_step(s->memory, err);
	if (rc == 0)
		return areas_show(s, err);
	v->working = rc > 0 ? "reading areas" : NULL;
	return rc < 0 ? rc : 0;
}

static void memory_close(struct view *v)
{
	memory_unref(v->app, state_of(v)->memory);
	free(state_of(v)->facts);
}

static size_t memory_rows(struct view *v)
{
	return state_of(v)->facts ? state_of(v)->nr : 0;
}

/* Told apart without colours, too. Linux consoles have all of these. */
static const char *part_char(enum style style)
{
	switch (style) {
	case ST_PAGE_ABSENT:
		return "·";
	case ST_PAGE_ZERO:
		return "░";
	case ST_PAGE_PARENT:
		return "▒";
	case ST_PAGE_SHARED:
		return "▓";
	case ST_PAGE_LAZY:
		return "▄";
	case ST_ERROR:
		return "?";
	default:
		return "█";
	}
}

static void bar_cell(const struct area_facts *facts, struct line *line)
{
	if (!line_cell_wanted(line)) {
		line_cell_skip(line);
		return;
	}
	size_t start = line->width + 1;
	line->column++;
	line_pad(line, start);
	for (size_t k = 0; k < BAR; k++) {
		if (!k || facts->bar[k] != facts->bar[k - 1])
			line_style(line, facts->bar[k]);
		line_plain(line, part_char(facts->bar[k]));
	}
	line_style(line, ST_NORMAL);
}

/* Why its pages or its file are not known. */
static void damage_add(const struct memory_state *s, const struct area *area,
		       const struct area_facts *facts, struct line *line)
{
	struct memory_run run;
	struct error err = { 0 };
	const char *why = area->unknown ? memory_view_damage(s->memory->mv) : NULL;
	if (facts->damaged &&
	    memory_view_run(s->memory->mv, area, facts->damaged_at, &run, &err) < 0)
		why = err.text;
	if (!why)
		return;
	line_style(line, ST_ERROR);
	line_plain(line, "  ");
	line_str(line, why);
}

static void memory_row(struct view *v, size_t i, struct line *line)
{
	struct memory_state *s = v->state;
	const struct area *area = &s->areas[i];
	struct area_facts *facts = &s->facts[i];
	enum style style = kind_styles[area->kind];
	char prot[5];
	if (!facts->read && clock_ms() < v->app->draw_until_ms)
		facts_read(s, i);
	line_cellf(line, ST_DIM, "%" PRIx64, area->vma->start);
	line_cell_size(line, ST_NORMAL, area->vma->end - area->vma->start);
	line_cell(line, ST_NORMAL, area_prot_text(area, prot));
	line_cell(line, style, area_kind_names[area->kind]);
	if (!facts->read) {
		line_cell_skip(line);
		line_cell_skip(line);
	} else {
		bar_cell(facts, line);
		if (facts->damaged)
			line_cell(line, ST_ERROR, "?");
		else
			line_cell_size(line, facts->stored ? ST_PAGE_STORED : ST_DIM,
				       facts->stored);
	}
	line_rest(line);
	line_style(line, area->unknown ? ST_ERROR : style);
	if (area->unknown)
		line_plain(line, "?");
	else if (area->path[0])
		line_name(line, area->path, 0);
	else
		line_printf(line, "[%s]", area_kind_names[area->kind]);
	damage_add(s, area, facts, line);
}

static bool memory_read(struct view *v, size_t i)
{
	struct memory_state *s = v->state;
	if (!s->facts[i].read)
		facts_read(s, i);
	return false;
}

/* What is on the screen, then the sums. */
static bool memory_idle(struct view *v)
{
	struct memory_state *s = v->state;
	if (v->working) {
		int rc = memory_step(s->memory, &v->error);
		if (rc > 0)
			return true;
		v->working = NULL;
		if (rc == 0)
			rc = areas_show(s, &v->error);
		v->error.code = rc;
		if (rc == 0 && memory_view_cut(s->memory->mv))
			v->error = *memory_view_cut(s->memory->mv);
		return rc == 0;
	}
	for (size_t i = v->top; i < view_rows(v) && i < v->top + (size_t)v->height; i++) {
		size_t row = view_index(v, i);
		if (!s->facts[row].read) {
			facts_read(s, row);
			return true;
		}
	}
	for (int n = 0; n < 32 && s->facts && s->counted < s->nr; n++) {
		const struct area *area = &s->areas[s->counted++];
		struct page_counts counts;
		s->kinds[area->kind].bytes += area->vma->end - area->vma->start;
		int rc = page_counts_read(s->memory->mv, area, area->vma->start, area->vma->end,
					  &counts, NULL);
		s->damaged += rc < 0 || area->unknown;
		page_counts_add(&s->all, &counts);
		s->kinds[area->kind].stored += counts.stored * PAGE;
	}
	return s->facts && s->counted < s->nr;
}

static void total(struct line *line, const char *what, uint64_t pages, enum style style)
{
	char text[8];
	if (!pages)
		return;
	line_style(line, style);
	line_printf(line, ", ");
	line_plain(line, part_char(style));
	line_printf(line, " %s %s", what, size_text(pages * PAGE, text));
}

static void memory_footer(struct view *v, struct line *line)
{
	const struct memory_state *s = v->state;
	char size[8], stored[8];
	line_style(line, ST_DIM);
	if (!s->facts)
		return;
	line_printf(line, " %zu/%zu: %s%s", s->nr ? v->cursor + 1 : 0, view_rows(v),
		    s->counted < s->nr ? "more than " : "", size_text(s->all.pages * PAGE, size));
	if (s->damaged) {
		line_style(line, ST_ERROR);
		line_printf(line, ", %zu not wholly known", s->damaged);
	}
	total(line, "stored", s->all.stored, ST_PAGE_STORED);
	total(line, "shared", s->all.shared, ST_PAGE_SHARED);
	total(line, "parent", s->all.parent, ST_PAGE_PARENT);
	total(line, "zero", s->all.zero, ST_PAGE_ZERO);
	total(line, "lazy", s->all.lazy, ST_PAGE_LAZY);
	for (size_t i = 0; i < NR_AREA_KINDS; i++) {
		if (!s->kinds[i].bytes)
			continue;
		line_style(line, kind_styles[i]);
		line_printf(line, "  %s %s/%s", area_kind_names[i],
			    size_text(s->kinds[i].stored, stored),
			    size_text(s->kinds[i].bytes, size));
	}
}

enum { RUNS_LOOKED_AT = 64 };

/* Where the dump has something of it; its start when nowhere near. */
static uint64_t first_dumped(struct memory_view *mv, const struct area *area)
{
	uint64_t at = area->vma->start;
	struct memory_run run;
	for (int i = 0; i < RUNS_LOOKED_AT && at < area->vma->end; i++, at = run.end) {
		if (memory_view_run(mv, area, at, &run, NULL) < 0)
			break;
		if (run.state == PG_STORED || run.state == PG_PARENT)
			return at;
	}
	return area->vma->start;
}

/* What stands in the place of bytes that were not dumped. NULL: they were. */
static const char *absence(struct memory_view *mv, const struct area *area, uint64_t at)
{
	static const char *const states[] = {
		[PG_HOLE] = "what belongs to the kernel is in no dump",
		[PG_ZERO] = "it is zero",
		[PG_LAZY] = "it was left behind with the process (lazy pages)",
		[PG_FILE] = "it is as in its file, which --sysroot DIR finds",
		[PG_GUARD] = "a guard is in front of it: there is nothing",
	};
	struct memory_run run;
	uint8_t byte, known;
	if (memory_view_run(mv, area, at, &run, NULL) < 0 ||
	    memory_view_read(mv, at, &byte, 1, &known, NULL) < 0)
		return NULL;
	if (known && run.state == PG_HOLE)
		return "it was never touched and reads as zero";
	return known && run.state != PG_ZERO ? NULL : states[run.state];
}

static void area_open(struct view *v, const struct area *area)
{
	struct memory_view *mv = state_of(v)->memory->mv;
	uint64_t start = area->vma->start, at = first_dumped(mv, area);
	const char *why = absence(mv, area, at);
	hex_open_memory(v->app, v->process, at, 0);
	if (at != start)
		app_say(v->app, "what comes before is not in the dump; the area begins at %" PRIx64,
			start);
	else if (why)
		app_say(v->app, "not in the dump: %s", why);
}

static bool memory_act(struct view *v, enum action action)
{
	size_t row = view_current(v);
	if (action == ACT_STOP) {
		view_stopped(v);
		return true;
	}
	if (action == ACT_ENTRY)
		image_open_of(v->app, v->process, IMG_MM);
	if (action != ACT_OPEN || row == SIZE_MAX)
		return action == ACT_ENTRY;
	area_open(v, &state_of(v)->areas[row]);
	return true;
}

static void memory_object(struct view *v, struct view_object *out)
{
	const struct memory_state *s = v->state;
	size_t row = view_current(v);
	if (row == SIZE_MAX)
		return;
	out->start = s->areas[row].vma->start;
	out->end = s->areas[row].vma->end;
	snprintf(out->what, sizeof(out->what), "the area at %" PRIx64, out->start);
}

static void memory_command(struct view *v, struct strbuf *out)
{
	strbuf_printf(out, "mem -p %u {}", v->process->pid);
}

const struct view_ops view_memory = {
	.name = "memory",
	.nothing = "no memory",
	.places = IN_LIST,
	.state_size = sizeof(struct memory_state),
	.columns = columns,
	.nr_columns = ARRAY_SIZE(columns),
	.open = memory_open,
	.close = memory_close,
	.rows = memory_rows,
	.row = memory_row,
	.read = memory_read,
	.idle = memory_idle,
	.footer = memory_footer,
	.act = memory_act,
	.object = memory_object,
	.command = memory_command,
};
