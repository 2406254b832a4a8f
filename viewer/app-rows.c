/* SPDX-License-Identifier: MIT
 * Searching and filtering the rows of any view, a few hundred at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "viewer/app-parts.h"
#include "viewer/facts.h"

enum { ROWS_PER_STEP = 256, STEP_MS = 5, KEPT_MAX = 1 << 21 };

/*
 * Goes round once, from the cursor to the cursor. Rows that are folded are looked at where they
 * would be, and unfolded when the text is among them.
 */
struct row_search {
	struct line line;
	size_t at, nr, seen; /* the row that is looked at; of how many; how many were */
	int step;            /* 1, -1 */
	bool found, below;   /* it is in what `at` hides */
	bool wrapped;        /* gone round */
	bool lost;           /* the rows are others than when it began */
	struct below walk;
	struct below hit; /* backwards: the last in what is hidden so far; depth 0: none */
};

bool app_rows_coming(struct view *v)
{
	return v->working && v->ops->idle && (v->ops->idle(v), v->working);
}

static bool line_holds(const struct line *line, const char *text)
{
	return text_find(line->text.data ?: "", text);
}

static void hit_show(struct view *v, struct row_search *search, const struct below *hit)
{
	struct below where = *hit;
	v->ops->below(v, search->at, &search->walk, NULL);
	search->found = true;
	view_move(v, v->ops->reveal(v, search->at, &where));
}

/* One of the rows that `at` hides. @return 1 go on; 0 the search is at its end; -ENOMEM */
static int below_step(struct view *v, struct row_search *search)
{
	int rc = v->ops->below(v, search->at, &search->walk, &search->line);
	if (rc == 1 && line_holds(&search->line, v->app->search)) {
		search->hit = search->walk;
		if (search->step > 0)
			hit_show(v, search, &search->hit);
	} else if (rc == 0) {
		search->below = false;
		if (search->hit.depth)
			hit_show(v, search, &search->hit);
	}
	return rc < 0 ? rc : !search->found;
}

static void below_begin(struct view *v, struct row_search *search)
{
	search->below = v->ops->below && (v->ops->filter || !v->filter);
	search->walk = search->hit = (struct below){ 0 };
}

/* The row `at`. @return as below_step() */
static int row_step(struct view *v, struct row_search *search)
{
	if (v->ops->read && v->ops->read(v, view_index(v, search->at)))
		return 1;
	search->seen++;
	view_compose(v, search->at, &search->line, 1000);
	if (line_holds(&search->line, v->app->search)) {
		search->found = true;
		view_move(v, search->at);
	}
	return !search->found && search->seen < search->nr;
}

static void row_turn(struct row_search *search)
{
	search->wrapped |= search->at == (search->step > 0 ? search->nr - 1 : 0);
	search->at = (search->at + (search->step > 0 ? 1 : search->nr - 1)) % search->nr;
}

/* Forwards a row comes before what it hides, backwards behind it. */
static int either_step(struct view *v, struct row_search *search)
{
	size_t seen = search->seen;
	if (search->below) {
		int rc = below_step(v, search);
		if (rc == 1 && !search->below && search->step > 0)
			row_turn(search);
		return rc;
	}
	int rc = row_step(v, search);
	if (rc != 1 || search->seen == seen)
		return rc;
	if (search->step < 0)
		row_turn(search);
	below_begin(v, search);
	if (!search->below && search->step > 0)
		row_turn(search);
	return rc;
}

static int search_step(struct job *job, struct error *err)
{
	struct row_search *search = job->arg;
	struct view *v = job->view;
	int64_t until = clock_ms() + STEP_MS;
	if (app_rows_coming(v))
		return 1;
	if (!search->nr) {
		job->total = search->nr = view_rows(v);
		if (search->nr && search->step < 0)
			row_turn(search);
		below_begin(v, search);
		if (!search->below && search->nr && search->step > 0)
			row_turn(search);
	}
	for (size_t i = 0; i < ROWS_PER_STEP && clock_ms() < until; i++) {
		search->lost = view_rows(v) != search->nr;
		if (!search->nr || !v->app->search || search->lost)
			return 0;
		int rc = either_step(v, search);
		job->done = search->seen;
		if (rc <= 0)
			return rc < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
	}
	return 1;
}

static void search_end(struct job *job, int rc)
{
	struct row_search *search = job->arg;
	struct view *v = job->view;
	if (rc == 0 && search->lost)
		app_say(v->app, "the rows are others now: n searches them");
	else if (rc == 0 && !search->found && v->app->search)
		app_say(v->app, "no row holds \"%s\"", v->app->search);
	else if (search->found && search->wrapped)
		app_say(v->app, search->seen < search->nr ? "found after going round"
							  : "this is the only row that holds it");
	if (search->walk.state)
		v->ops->below(v, search->at, &search->walk, NULL);
	line_fini(&search->line);
	free(search);
}

static void search_start(struct view *v, int step)
{
	bool some = view_rows(v) || v->working;
	struct row_search *search = some ? calloc(1, sizeof(*search)) : NULL;
	if (!search) {
		app_say(v->app, some ? "out of memory" : "there are no rows");
		return;
	}
	search->at = v->cursor;
	search->step = step;
	app_job(v->app, &(struct job){ .what = "searching",
				       .view = v,
				       .step = search_step,
				       .end = search_end,
				       .arg = search });
}

static void search_typed(struct view *v, const char *text, size_t mode)
{
	struct app *app = v->app;
	(void)mode;
	if (*text) { /* else the last one again, as in less */
		free(app->search);
		app->search = strdup(text);
	}
	if (app->search)
		search_start(v, 1);
}

void app_search(struct view *v, enum action action)
{
	if (action == ACT_SEARCH)
		app_ask(v->app,
			&(struct prompt){ .label = "Search rows", .view = v, .done = search_typed },
			NULL);
	else if (!v->app->search)
		app_say(v->app, "nothing was searched for yet: / begins");
	else
		search_start(v, action == ACT_NEXT ? 1 : -1);
}

struct row_filter {
	struct line line;
	char *text;
	size_t at, nr;
	size_t *items;
	size_t nr_items, cap;
};

static int filter_step(struct job *job, struct error *err)
{
	struct row_filter *filter = job->arg;
	struct view *v = job->view;
	int64_t until = clock_ms() + STEP_MS;
	if (app_rows_coming(v))
		return 1;
	if (!filter->nr)
		job->total = filter->nr = view_rows(v);
	for (size_t i = 0; i < ROWS_PER_STEP && clock_ms() < until; i++) {
		if (filter->at >= filter->nr || view_rows(v) != filter->nr)
			return 0;
		if (v->ops->read && v->ops->read(v, filter->at))
			return 1;
		line_begin(&filter->line, v->ops->columns, v->ops->nr_columns, 1000);
		v->ops->row(v, filter->at, &filter->line);
		if (text_find(filter->line.text.data ?: "", filter->text)) {
			if (filter->nr_items == KEPT_MAX)
				return error_set(err, EFBIG, "more than %d rows hold \"%s\"",
						 KEPT_MAX, filter->text);
			size_t *grown = array_grow_(filter->items, &filter->cap,
						    filter->nr_items + 1, sizeof(*grown));
			if (!grown)
				return error_set(err, ENOMEM, "out of memory");
			filter->items = grown;
			filter->items[filter->nr_items++] = filter->at;
		}
		job->done = ++filter->at;
	}
	return 1;
}

static void filter_end(struct job *job, int rc)
{
	struct row_filter *filter = job->arg;
	struct view *v = job->view;
	if (rc == 0 && view_rows(v) == filter->nr) {
		free(v->filter);
		v->filter = take_ptr(filter->text);
		free(v->kept.items);
		v->kept.items = take_ptr(filter->items);
		v->kept.nr = filter->nr_items;
		v->kept.cap = filter->cap;
		v->cursor = v->top = 0;
		app_say(v->app, "%zu of %zu rows hold \"%s\"; Esc shows all", v->kept.nr,
			filter->nr, v->filter);
	} else if (rc == 0) {
		app_say(v->app, "the rows are others now: & filters them");
	}
	line_fini(&filter->line);
	free(filter->text);
	free(filter->items);
	free(filter);
}

static void filter_typed(struct view *v, const char *text, size_t mode)
{
	(void)mode;
	app_filter(v, text);
}

void app_filter(struct view *v, const char *text)
{
	if (v->ops->filter) {
		v->ops->filter(v, *text ? text : NULL);
		return;
	}
	size_t row = view_current(v);
	free(v->filter);
	v->filter = NULL;
	v->kept.nr = 0;
	if (row != SIZE_MAX)
		view_move(v, row);
	bool some = view_rows(v) || v->working;
	struct row_filter *filter = *text && some ? calloc(1, sizeof(*filter)) : NULL;
	if (!filter)
		return;
	filter->text = strdup(text);
	if (!filter->text) {
		free(filter);
		return;
	}
	app_job(v->app, &(struct job){ .what = "filtering",
				       .view = v,
				       .step = filter_step,
				       .end = filter_end,
				       .arg = filter });
}

void app_filter_ask(struct view *v)
{
	app_ask(v->app,
		&(struct prompt){ .label = "Only rows that hold", .view = v, .done = filter_typed },
		v->filter);
}
