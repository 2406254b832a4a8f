/* SPDX-License-Identifier: MIT
 * Changing fields: tried when they are typed, shown together, written together.
 */
#include "viewer/edits.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/describe/process.h"
#include "convert/edit/edit.h"
#include "viewer/app.h"
#include "viewer/views.h"

struct change {
	char *image;
	char *text; /* "PATH=VALUE", or "PATH" to take it away */
	bool delete;
	char *shown; /* "old -> new" */
};

struct edits {
	struct change *items;
	size_t nr, cap;
	struct strbuf image, path; /* of the question that is open */
};

static struct edits *edits_of(struct app *app)
{
	if (!app->edits)
		app->edits = calloc(1, sizeof(*app->edits));
	return app->edits;
}

size_t edits_count(const struct app *app)
{
	return app->edits ? app->edits->nr : 0;
}

static void change_fini(struct change *change)
{
	free(change->image);
	free(change->text);
	free(change->shown);
}

void edits_free(struct app *app)
{
	struct edits *edits = app->edits;
	for (size_t i = 0; edits && i < edits->nr; i++)
		change_fini(&edits->items[i]);
	if (edits) {
		free(edits->items);
		strbuf_fini(&edits->image);
		strbuf_fini(&edits->path);
	}
	free(edits);
	app->edits = NULL;
}

static void told(void *arg, const char *image, size_t entry, const char *path, const char *old,
		 const char *new)
{
	(void)image;
	(void)entry;
	(void)path;
	strbuf_printf(arg, "%s -> %s", old ?: "nothing", new ?: "nothing");
}

/* @param last  the first changes up to this one. @param commit  else it is only tried */
static int apply(struct app *app, const struct change *changes, size_t nr, bool commit,
		 struct strbuf *report, struct error *err)
{
	struct edit edit = { 0 };
	auto_sink sink = NULL;
	int rc = sink_in_place(app->src, app->options.path, &sink, err);
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = edit_add(&edit, changes[i].delete ? EDIT_DELETE : EDIT_SET, changes[i].text,
			      changes[i].image, err);
	if (rc == 0)
		rc = edit_apply(&edit, app->src, sink, told, report, err);
	if (rc == 0 && commit)
		rc = sink_commit(sink, err);
	edit_fini(&edit);
	return rc;
}

static void change_keep(struct app *app, const char *path, const char *value)
{
	struct edits *edits = app->edits;
	struct change change = { .image = strdup(edits->image.data), .delete = !value };
	auto_strbuf report = { 0 };
	struct error err;
	int rc = value ? asprintf(&change.text, "%s=%s", path, value)
		       : asprintf(&change.text, "%s", path);
	if (rc < 0)
		change.text = NULL;
	if (!change.image || !change.text) {
		app_say(app, "out of memory");
		change_fini(&change);
		return;
	}
	if (apply(app, &change, 1, false, &report, &err) < 0) {
		app_fail(app, &err);
		change_fini(&change);
		return;
	}
	change.shown = report.data ? strdup(report.data) : NULL;
	struct change *slot = array_add(edits);
	if (!slot) {
		app_say(app, "out of memory");
		change_fini(&change);
		return;
	}
	*slot = change;
	app_say(app, "%s; R reviews %zu change%s", change.shown ?: "", edits->nr,
		edits->nr == 1 ? "" : "s");
}

static void value_typed(struct view *v, const char *text, size_t mode)
{
	(void)mode;
	change_keep(v->app, v->app->edits->path.data, text);
}

void edits_ask(struct view *v, const char *image, const char *path, const char *value)
{
	struct edits *edits = edits_of(v->app);
	if (!v->app->options.edit) {
		app_say(v->app, "nothing is changed without --edit");
		return;
	}
	if (!edits)
		return;
	strbuf_reset(&edits->image);
	strbuf_reset(&edits->path);
	if (strbuf_str(&edits->image, image) < 0 || strbuf_str(&edits->path, path) < 0)
		return;
	if (value)
		app_ask(
		    v->app,
		    &(struct prompt){ .label = edits->path.data, .view = v, .done = value_typed },
		    value);
	else
		change_keep(v->app, path, NULL);
}

static size_t review_rows(struct view *v)
{
	return edits_count(v->app);
}

static const struct column review_columns[] = {
	{ "IMAGE", 20, false, 0 },
	{ "FIELD AND VALUE", 32, false, 0 },
	{ "CHANGE", 0, false, 0 },
};

static void review_row(struct view *v, size_t i, struct line *line)
{
	const struct change *change = &v->app->edits->items[i];
	line_cell(line, ST_NAME, change->image);
	line_cell(line, change->delete ? ST_REMOVED : ST_NORMAL, change->text);
	line_rest(line);
	line_style(line, change->delete ? ST_REMOVED : ST_ADDED);
	line_str(line, change->shown);
}

static void write_answered(struct view *v, const char *text, size_t mode)
{
	struct app *app = v->app;
	struct error err;
	auto_strbuf report = { 0 };
	(void)mode;
	if (strcmp(text, "y") != 0 && strcmp(text, "yes") != 0) {
		app_say(app, "nothing written");
		return;
	}
	if (apply(app, app->edits->items, app->edits->nr, true, &report, &err) < 0) {
		app_fail(app, &err);
		return;
	}
	app->reopen = true; /* everything is another set now */
}

static bool review_act(struct view *v, enum action action)
{
	struct edits *edits = v->app->edits;
	size_t row = view_current(v);
	if (row == SIZE_MAX || !edits)
		return false;
	if (action == ACT_DELETE) {
		change_fini(&edits->items[row]);
		memmove(edits->items + row, edits->items + row + 1,
			(edits->nr - row - 1) * sizeof(*edits->items));
		edits->nr--;
		view_changed(v);
		return true;
	}
	if (action != ACT_APPLY)
		return false;
	app_ask(v->app,
		&(struct prompt){ .label = "Write all of this into the set? y or n, Enter",
				  .view = v,
				  .done = write_answered },
		NULL);
	return true;
}

static void review_title(struct view *v, struct line *line)
{
	(void)v;
	line_plain(line,
		   "Changes that wait: W writes them all, d drops one, q leaves them waiting");
}

/* The same from a shell. */
static void review_command(struct view *v, struct strbuf *out)
{
	const struct edits *edits = v->app->edits;
	strbuf_str(out, "edit --in-place");
	for (size_t i = 0; edits && i < edits->nr; i++) {
		auto_strbuf word = { 0 };
		if (!edits->items[i].delete)
			continue;
		strbuf_printf(&word, "%s:%s", edits->items[i].image, edits->items[i].text);
		strbuf_str(out, " --delete ");
		command_word(word.data ?: "", out);
	}
	strbuf_str(out, " {}");
	for (size_t i = 0; edits && i < edits->nr; i++) {
		auto_strbuf word = { 0 };
		if (edits->items[i].delete)
			continue;
		strbuf_printf(&word, "%s:%s", edits->items[i].image, edits->items[i].text);
		strbuf_char(out, ' ');
		command_word(word.data ?: "", out);
	}
}

static const struct view_ops view_review = {
	.name = "review",
	.nothing = "no changes wait",
	.places = IN_LIST | IN_EDITS,
	.columns = review_columns,
	.nr_columns = ARRAY_SIZE(review_columns),
	.rows = review_rows,
	.row = review_row,
	.act = review_act,
	.title = review_title,
	.command = review_command,
};

void edits_review(struct app *app)
{
	if (!edits_count(app))
		app_say(app, app->options.edit ? "no changes wait"
					       : "nothing is changed without --edit");
	else if (app_view(app)->ops != &view_review)
		app_open(app, &view_review, NULL, NULL);
}
