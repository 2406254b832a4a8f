/* SPDX-License-Identifier: MIT
 * What all views have in common: their life, and lists of rows.
 */
#include "viewer/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "viewer/app.h"

enum { HURRY_MS = 8 };

void view_init(struct view *v, const struct view_ops *ops, struct app *app,
	       const struct process *process, void *arg)
{
	*v = (struct view){ .ops = ops, .app = app, .process = process, .arg = arg };
}

void view_need(struct view *v)
{
	if (v->opened)
		return;
	v->opened = true;
	v->state = calloc(1, v->ops->state_size + 1);
	int rc = !v->state      ? error_set(&v->error, ENOMEM, "out of memory")
		 : v->ops->open ? v->ops->open(v, &v->error)
				: 0;
	v->error.code = rc < 0 ? rc : 0;
}

void view_hurry(struct view *v)
{
	int64_t until = clock_ms() + HURRY_MS;
	while (v->ops->idle(v) && clock_ms() < until)
		;
}

static void filter_drop(struct view *v)
{
	free(v->filter);
	v->filter = NULL;
	v->kept.nr = 0;
}

static bool has_job(const struct view *v)
{
	return v->app->job.what && v->app->job.view == v;
}

void view_fini(struct view *v)
{
	if (has_job(v)) {
		v->app->job.end(&v->app->job, 1);
		v->app->job.what = NULL;
	}
	if (v->app->prompt.view == v)
		v->app->prompt.on = false;
	if (v->state && v->ops->close)
		v->ops->close(v);
	free(v->state);
	filter_drop(v);
	free(v->kept.items);
	v->kept.items = NULL;
	v->state = NULL;
	v->opened = false;
}

void view_stopped(struct view *v)
{
	v->working = NULL;
	error_set(&v->error, ECANCELED, "stopped: not all is here%s",
		  v->arg ? "" : "; ^R begins again");
}

bool view_again(struct view *v)
{
	if (v->error.code != -ECANCELED || v->arg)
		return false;
	view_fini(v);
	v->error.code = 0;
	view_need(v);
	return true;
}

static bool is_open(const struct view *v)
{
	return v->opened && v->state && v->ops->rows;
}

size_t view_rows(struct view *v)
{
	return !is_open(v) ? 0 : v->filter && !v->ops->filter ? v->kept.nr : v->ops->rows(v);
}

size_t view_index(struct view *v, size_t shown)
{
	return v->filter && !v->ops->filter ? v->kept.items[shown] : shown;
}

size_t view_current(struct view *v)
{
	size_t nr = view_rows(v);
	return v->cursor < nr ? view_index(v, v->cursor) : SIZE_MAX;
}

void view_compose(struct view *v, size_t shown, struct line *line, int screen)
{
	line_begin(line, v->ops->columns, v->ops->nr_columns, screen);
	v->ops->row(v, view_index(v, shown), line);
}

void view_changed(struct view *v)
{
	size_t row = view_current(v);
	if (!v->ops->filter && v->filter) {
		filter_drop(v);
		v->cursor = row == SIZE_MAX ? 0 : row;
	}
	size_t nr = view_rows(v);
	if (v->cursor >= nr)
		v->cursor = nr ? nr - 1 : 0;
}

void view_move(struct view *v, size_t shown)
{
	size_t nr = view_rows(v);
	v->cursor = !nr ? 0 : shown < nr ? shown : nr - 1;
}

/* The rows drawn hold the cursor, with as little scrolling as can be. */
static void scroll(struct view *v, size_t nr)
{
	size_t height = v->height > 0 ? (size_t)v->height : 1;
	if (v->cursor >= nr)
		v->cursor = nr ? nr - 1 : 0;
	if (v->top > v->cursor)
		v->top = v->cursor;
	if (v->top + height <= v->cursor)
		v->top = v->cursor - height + 1;
	if (v->top && v->top + height > nr)
		v->top = nr > height ? nr - height : 0;
}

enum { SIDEWAYS = 8 };

bool view_list_act(struct view *v, enum action action)
{
	size_t nr = view_rows(v), at = v->cursor;
	size_t page = v->height > 1 ? (size_t)v->height - 1 : 1;
	switch (action) {
	case ACT_DOWN:
		at++;
		break;
	case ACT_UP:
		at -= at > 0;
		break;
	case ACT_PAGE_DOWN:
		at += page;
		v->top += page;
		break;
	case ACT_PAGE_UP:
		at = at > page ? at - page : 0;
		v->top = v->top > page ? v->top - page : 0;
		break;
	case ACT_HALF_DOWN:
		at += (page + 1) / 2;
		break;
	case ACT_HALF_UP:
		at = at > page / 2 ? at - (page + 1) / 2 : 0;
		break;
	case ACT_TOP:
		at = 0;
		v->left = 0;
		break;
	case ACT_BOTTOM:
		at = nr ? nr - 1 : 0;
		break;
	case ACT_LEFT:
		v->left = v->left > SIDEWAYS ? v->left - SIDEWAYS : 0;
		break;
	case ACT_RIGHT:
		if (v->widest > v->left + (size_t)v->room)
			v->left += SIDEWAYS;
		break;
	default:
		return false;
	}
	view_move(v, at);
	return true;
}

/* Less than all of a row is to be seen. @param end  the cell after what is */
static void cut_mark(const struct view *v, const struct line *line, struct canvas *c, int x, int y,
		     int end)
{
	if (v->left && line->width)
		canvas_text(c, x, y, end, ST_KEY, "‹", strlen("‹"), 0);
	if (line->width > v->left + (size_t)(end - x))
		canvas_text(c, end - 1, y, end, ST_KEY, "›", strlen("›"), 0);
}

/* Where in the whole the rows are. */
static void bar_draw(const struct view *v, size_t nr, struct canvas *c, struct rect r)
{
	int at = (int)(v->top * (size_t)r.height / nr);
	int len = (int)((size_t)r.height * (size_t)r.height / nr);
	for (int i = 0; i < r.height; i++) {
		bool on = i >= at && i <= at + len;
		canvas_text(c, r.x + r.width - 1, r.y + i, c->width, ST_DIM, on ? "┃" : "│", 3, 0);
	}
}

/* @param end  the cell after those for text */
static void row_draw(struct view *v, size_t shown, struct canvas *c, struct rect row, int end)
{
	auto_line line = { 0 };
	size_t cells = end > row.x ? (size_t)(end - row.x) : 0;
	line_begin(&line, v->ops->columns, v->ops->nr_columns, row.width);
	line.room = v->left + cells;
	v->ops->row(v, view_index(v, shown), &line);
	line_draw(&line, c, (struct rect){ row.x, row.y, (int)cells, 1 }, v->left, ST_NORMAL);
	if (shown == v->cursor)
		canvas_base(c, row, ST_SELECTED);
	if (v->app->search)
		line_match(&line, c, (struct rect){ row.x, row.y, (int)cells, 1 }, v->left,
			   v->app->search);
	cut_mark(v, &line, c, row.x, row.y, end);
	if (line.width + line.hidden > v->widest)
		v->widest = line.width + line.hidden;
}

static void rows_draw(struct view *v, struct canvas *c, struct rect r)
{
	size_t nr = view_rows(v);
	bool bar = nr > (size_t)r.height && r.width > 1;
	int end = r.x + r.width - bar;
	v->room = end - r.x;
	scroll(v, nr);
	v->widest = 0;
	for (int i = 0; i < r.height && v->top + (size_t)i < nr; i++)
		row_draw(v, v->top + (size_t)i, c, (struct rect){ r.x, r.y + i, r.width, 1 }, end);
	if (bar)
		bar_draw(v, nr, c, r);
	if (v->error.code < 0 && !nr) {
		auto_line line = { 0 };
		line_begin(&line, NULL, 0, r.width);
		line_style(&line, ST_ERROR);
		line_str(&line, v->error.text);
		line_draw(&line, c, (struct rect){ r.x, r.y, r.width, 1 }, 0, ST_NORMAL);
	} else if (!nr && !v->working && !has_job(v)) {
		canvas_str(c, r.x + 1, r.y, ST_DIM,
			   v->filter ? "no row holds that; Esc shows all" : v->ops->nothing ?: "nothing");
	}
}

/* What goes below the rows. @param hidden  the error, which has no row of its own */
static void footer_compose(struct view *v, bool hidden, struct line *line)
{
	line_style(line, ST_ERROR);
	if (hidden)
		line_str(line, v->error.text);
	else if (v->ops->footer)
		v->ops->footer(v, line);
	if (!v->filter || v->ops->filter)
		return;
	line_style(line, ST_KEY);
	line_plain(line, "  only \"");
	line_str(line, v->filter);
	line_plain(line, "\"");
}

enum { FOOTER_PART = 5 }; /* of the rows it may have one in so many */

/* What is too long for one row has more of them, which then stay: rows above do not jump. */
static int footer_draw(struct view *v, const struct line *line, struct canvas *c, struct rect r)
{
	size_t starts[16] = { 0 }, cells = r.width > 1 ? (size_t)r.width - 1 : 1;
	int rows = 1, most = r.height / FOOTER_PART;
	most = most < 1                             ? 1
	       : most > (int)ARRAY_SIZE(starts) - 1 ? (int)ARRAY_SIZE(starts) - 1
						    : most;
	starts[1] = line_break(line, 0, cells + 1);
	for (; starts[rows] < line->width && rows < most; rows++)
		starts[rows + 1] = line_break(line, starts[rows], cells);
	if (v->footer_width != r.width || v->footer > most)
		v->footer = 0;
	v->footer_width = r.width;
	v->footer = rows > v->footer ? rows : v->footer;
	int y = r.y + r.height - v->footer;
	for (int i = 0; i < rows; i++) {
		int end = (int)(starts[i + 1] - starts[i]);
		bool last = i + 1 == rows;
		line_draw(line, c, (struct rect){ i > 0, y + i, last ? r.width - (i > 0) : end, 1 },
			  starts[i], ST_NORMAL);
		if (last && starts[i + 1] < line->width)
			canvas_text(c, r.width - 1, y + i, r.width, ST_KEY, "›", strlen("›"), 0);
	}
	return v->footer;
}

void view_draw(struct view *v, struct canvas *c, struct rect r)
{
	auto_line line = { 0 };
	view_need(v);
	if (v->ops->columns && r.height > 1) {
		canvas_fill(c, (struct rect){ r.x, r.y, r.width, 1 }, ST_HEADING);
		line_begin(&line, v->ops->columns, v->ops->nr_columns, r.width);
		line_headings(&line);
		line_draw(&line, c, (struct rect){ r.x, r.y, r.width, 1 }, v->left, ST_NORMAL);
		for (int x = r.x; x < r.x + r.width; x++) {
			struct cell *cell = canvas_cell(c, x, r.y);
			if (cell)
				cell->style = ST_HEADING;
		}
		r.y++;
		r.height--;
	}
	bool hidden = v->error.code < 0 && view_rows(v) > 0; /* the error has no row below */
	if ((v->ops->footer || hidden || v->filter) && r.height > 2 && v->state) {
		line_begin(&line, NULL, 0, r.width);
		footer_compose(v, hidden, &line);
		r.height -= footer_draw(v, &line, c, r);
	}
	v->height = r.height;
	if (v->ops->draw && v->state && v->error.code == 0)
		v->ops->draw(v, c, r);
	else
		rows_draw(v, c, r);
}

void view_click(struct view *v, struct rect r, int x, int y)
{
	int row = y - r.y;
	if (v->ops->columns && row-- == 0) {
		size_t column = line_column_at(v->ops->columns, v->ops->nr_columns, r.width,
					       x - r.x + (int)v->left);
		if (v->ops->heading && column < v->ops->nr_columns)
			v->ops->heading(v, column);
		return;
	}
	if (row < 0 || row >= v->height || !v->state)
		return;
	if (v->ops->draw) {
		if (v->ops->click && v->error.code == 0)
			v->ops->click(v, r, x, y);
		return;
	}
	size_t shown = v->top + (size_t)row;
	if (shown >= view_rows(v))
		return;
	if (shown == v->cursor && v->ops->act)
		v->ops->act(v, ACT_OPEN); /* a second click */
	else
		view_move(v, shown);
}
