/* SPDX-License-Identifier: MIT
 * Changing fields: tried when they are typed, shown together, written together.
 */
#include "viewer/edits.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/describe/process.h"
#include "viewer/edits-parts.h"
#include "viewer/views.h"

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

const char *edits_waiting(const struct app *app, const char *image, const char *path)
{
	size_t len = strlen(path);
	for (size_t i = 0; i < edits_count(app); i++) {
		const struct change *change = &app->edits->items[i];
		if (change->path_len == len && !memcmp(change->text, path, len) &&
		    !strcmp(change->image, image))
			return change->shown ?: "a change";
	}
	return NULL;
}

void change_fini(struct change *change)
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

bool change_same_place(const struct change *a, const struct change *b)
{
	return a->path_len == b->path_len && !strncmp(a->text, b->text, a->path_len) &&
	       !strcmp(a->image, b->image);
}

static int last_first(const void *a_, const void *b_)
{
	const struct change *a = *(const struct change *const *)a_;
	const struct change *b = *(const struct change *const *)b_;
	int rc = strcmp(a->image, b->image);
	return rc ? rc : strverscmp(b->text, a->text);
}

/* Those that delete, or those that do not. @return how many are in the order then */
static size_t order_add(const struct edits *edits, const struct change *added, bool away,
			const struct change **order, size_t nr)
{
	for (size_t i = 0; i < edits->nr; i++) {
		const struct change *change = &edits->items[i];
		if (change->delete == away && !(added && change_same_place(change, added)))
			order[nr++] = change;
	}
	if (added && added->delete == away)
		order[nr++] = added;
	return nr;
}

const struct change **edits_order(const struct edits *edits, const struct change *added)
{
	const struct change **order = calloc(edits->nr + 2, sizeof(*order));
	if (!order)
		return NULL;
	size_t values = order_add(edits, added, false, order, 0);
	size_t nr = order_add(edits, added, true, order, values);
	qsort(order + values, nr - values, sizeof(*order), last_first);
	return order;
}

void edits_keep(struct app *app, struct change *change)
{
	struct edits *edits = app->edits;
	size_t at = 0;
	while (at < edits->nr && !change_same_place(&edits->items[at], change))
		at++;
	struct change *slot = at < edits->nr ? &edits->items[at] : array_add(edits);
	if (!slot) {
		app_say(app, "out of memory");
		return;
	}
	change_fini(slot);
	*slot = *change;
	*change = (struct change){ 0 };
	app_say(app, "%s; R reviews %zu change%s", slot->shown ?: "", edits->nr,
		edits->nr == 1 ? "" : "s");
}

/* @param value  NULL: take it away */
static void change_try(struct view *v, const char *path, const char *value)
{
	struct change change = { .image = strdup(v->app->edits->image.data),
				 .path_len = strlen(path),
				 .delete = !value };
	int rc = value ? asprintf(&change.text, "%s=%s", path, value)
		       : asprintf(&change.text, "%s", path);
	if (rc < 0)
		change.text = NULL;
	if (change.image && change.text) {
		edits_try(v, &change);
		return;
	}
	app_say(v->app, "out of memory");
	change_fini(&change);
}

static void value_typed(struct view *v, const char *text, size_t mode)
{
	(void)mode;
	change_try(v, v->app->edits->path.data, text);
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
		change_try(v, path, NULL);
}

static size_t review_rows(struct view *v)
{
	return edits_count(v->app);
}

static const struct column review_columns[] = {
	{ "IMAGE", 20, false, 0, 30 },
	{ "FIELD AND VALUE", 32, false, 0, 90 },
	{ "CHANGE", 0, false, 0, 0 },
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
	app_confirm(v, "Write all of this into the set?", edits_write, "nothing written");
	return true;
}

static void review_title(struct view *v, struct line *line)
{
	(void)v;
	line_plain(line,
		   "Changes that wait: W writes them all, d drops one, q leaves them waiting");
}

static void words_add(const struct change *const *order, bool delete, struct strbuf *out)
{
	for (size_t i = 0; order[i]; i++) {
		auto_strbuf word = { 0 };
		if (order[i]->delete != delete)
			continue;
		strbuf_printf(&word, "%s:%s", order[i]->image, order[i]->text);
		strbuf_str(out, delete ? " --delete " : " ");
		command_word(word.data ?: "", out);
	}
}

/* The same from a shell. */
static void review_command(struct view *v, struct strbuf *out)
{
	auto_free const struct change **order =
	    v->app->edits ? edits_order(v->app->edits, NULL) : NULL;
	if (!order || !order[0])
		return;
	strbuf_str(out, "edit --in-place");
	words_add(order, true, out);
	strbuf_str(out, " {}");
	words_add(order, false, out);
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
