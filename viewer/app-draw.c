/* SPDX-License-Identifier: MIT
 * The screen around a view: title, tabs, the last line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "viewer/app-parts.h"
#include "viewer/facts.h"
#include "viewer/page.h"
#include "viewer/prompt.h"
#include "viewer/width.h"

enum { DRAW_MS = 6 }; /* for reading while drawing; the rest waits for idle time */

static void title_draw(struct app *app)
{
	struct canvas *c = &app->canvas;
	auto_line left = { 0 }, right = { 0 };
	const struct process *p = app->page->process;
	line_begin(&left, NULL, 0, c->width);
	line_style(&left, ST_BAR_STRONG);
	line_plain(&left, " crit view ");
	line_style(&left, ST_BAR);
	line_begin(&right, NULL, 0, c->width);
	line_style(&right, ST_BAR_STRONG);
	if (p) {
		const struct process_row *row = facts_peek(app->facts, p);
		if (!row->state)
			facts_step(app->facts, p); /* the name comes first */
		line_printf(&right, " pid %u ", p->pid);
		line_str(&right, row->comm ?: "");
	} else {
		size_t nr = checkpoint_nr_processes(app->cp);
		line_printf(&right, " %zu process%s", nr, nr == 1 ? "" : "es");
	}
	line_plain(&right, app->options.edit ? " [edit] " : " ");
	line_str(&left, app->options.path);
	if (app->options.diff) {
		line_str(&left, " | ");
		line_str(&left, app->options.diff);
	}
	int room = c->width - (int)right.width;
	canvas_fill(c, (struct rect){ 0, 0, c->width, 1 }, ST_BAR);
	line_draw(&left, c, (struct rect){ 0, 0, room > 0 ? room : 0, 1 }, 0, ST_NORMAL);
	line_draw(&right, c, (struct rect){ room > 0 ? room : 0, 0, c->width, 1 }, 0, ST_NORMAL);
}

static void tabs_draw(struct app *app)
{
	struct canvas *c = &app->canvas;
	struct page *page = app->page;
	canvas_fill(c, (struct rect){ 0, 1, c->width, 1 }, ST_TAB);
	if (page->nr < 2) {
		struct view *v = app_view(app);
		auto_line line = { 0 };
		line_begin(&line, NULL, 0, c->width);
		line_style(&line, ST_TAB);
		line_plain(&line, " ");
		if (v->ops->title && v->state)
			v->ops->title(v, &line);
		else
			line_plain(&line, v->ops->name);
		line_draw(&line, c, (struct rect){ 0, 1, c->width, 1 }, 0, ST_NORMAL);
		return;
	}
	for (size_t i = 0; i < page->nr; i++) {
		char text[64];
		struct rect tab = page_tab_rect(page, i, c->width);
		snprintf(text, sizeof(text), " %zu %s", i + 1, page->views[i].ops->name);
		canvas_text(c, tab.x, 1, tab.x + tab.width, i == page->at ? ST_TAB_ON : ST_TAB,
			    text, strlen(text), 0);
	}
}

static void job_draw(struct app *app, int y)
{
	struct canvas *c = &app->canvas;
	const struct job *job = &app->job;
	char text[128];
	int percent = job->total ? (int)(100.0 * (double)job->done / (double)job->total) : 0;
	int x = canvas_str(c, 0, y, ST_TITLE, job->what);
	if (job->total) {
		snprintf(text, sizeof(text), " %3d%% ", percent > 100 ? 100 : percent);
		x = canvas_str(c, x, y, ST_NORMAL, text);
		for (int i = 0; i < 20; i++)
			x = canvas_str(c, x, y, i * 5 < percent ? ST_GOOD : ST_DIM,
				       i * 5 < percent ? "█" : "░");
	} else if (job->done) {
		snprintf(text, sizeof(text), " %" PRIu64, job->done);
		x = canvas_str(c, x, y, ST_NORMAL, text);
	}
	canvas_str(c, x, y, ST_DIM, job->firm ? " …" : "  Esc stops it");
}

static const struct {
	enum action action;
	const char *what;
} hints[] = {
	{ ACT_HELP, "help" },     { ACT_QUIT, "back" },         { ACT_OPEN, "open" },
	{ ACT_EDIT, "change" },   { ACT_NEXT_TAB, "next tab" }, { ACT_SORT, "sort" },
	{ ACT_FOLD, "fold" },     { ACT_GOTO, "go to" },        { ACT_SEARCH, "search" },
	{ ACT_FILTER, "filter" }, { ACT_APPLY, "write all" },   { ACT_FIND, "find in memory" },
	{ ACT_WRITE, "write" },   { ACT_COMMAND, "command" },
};

/* What a hint says here; NULL: nothing. */
static const char *hint_what(struct app *app, size_t i)
{
	uint32_t places = app_view(app)->ops->places;
	if (!app->options.edit)
		places &= ~(uint32_t)IN_FIELDS;
	if (!(key_row(hints[i].action)->places & places))
		return NULL;
	return hints[i].action == ACT_QUIT && !app->page->below ? "quit" : hints[i].what;
}

/* Draw the hints (c), or find the one at column `look`. @return its key, KEY_NONE */
static uint32_t hints_go(struct app *app, struct canvas *c, int y, int look)
{
	int x = 0;
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
		auto_strbuf name = { 0 };
		uint32_t key = key_row(hints[i].action)->keys[0];
		const char *what = hint_what(app, i);
		if (!what || key_text(key, &name) < 0)
			continue;
		int end = x + (int)name.len + 1 + (int)strlen(what);
		if (end > app->canvas.width)
			break;
		if (look >= x && look < end)
			return key;
		if (c) {
			canvas_str(c, x, y, ST_KEY, name.data);
			canvas_str(c, x + (int)name.len + 1, y, ST_DIM, what);
		}
		x = end + 2;
	}
	return KEY_NONE;
}

uint32_t app_hint_at(struct app *app, int x)
{
	bool shown = !app->prompt.on && !app->job.what && !app->message.len;
	return shown ? hints_go(app, NULL, 0, x) : KEY_NONE;
}

/* A long one, as a command line, takes more lines from below: nobody copies half of an address. */
static void message_draw(struct app *app, int y)
{
	struct canvas *c = &app->canvas;
	size_t width = c->width > 0 ? (size_t)c->width : 1;
	int rows = (int)((text_width(app->message.data, app->message.len) + width - 1) / width);
	if (rows > y - 1)
		rows = y > 1 ? y - 1 : 1;
	auto_line line = { 0 };
	line_begin(&line, NULL, 0, rows * c->width);
	line_style(&line, app->message_style);
	line_str(&line, app->message.data);
	for (int i = 0; i < rows; i++) {
		struct rect row = { 0, y - rows + 1 + i, c->width, 1 };
		canvas_fill(c, row, ST_NORMAL);
		line_draw(&line, c, row, (size_t)i * width, ST_NORMAL);
	}
}

static void last_line_draw(struct app *app, int y)
{
	struct canvas *c = &app->canvas;
	if (app->prompt.on) {
		prompt_draw(app, y);
	} else if (app->job.what) {
		job_draw(app, y);
	} else if (app_view(app)->working) {
		int x = canvas_str(c, 0, y, ST_TITLE, app_view(app)->working);
		canvas_str(c, x, y, ST_DIM, "…  Esc stops it");
	} else if (app->message.len) {
		message_draw(app, y);
	} else {
		hints_go(app, c, y, -1);
	}
}

void app_draw(struct app *app)
{
	struct canvas *c = &app->canvas;
	struct view *v = app_view(app);
	app->draw_until_ms = clock_ms() + DRAW_MS;
	canvas_clear(c);
	view_need(v);
	view_draw(v, c, page_body(app));
	title_draw(app);
	if (c->height > 1)
		tabs_draw(app);
	if (c->height > 2)
		last_line_draw(app, c->height - 1);
}
