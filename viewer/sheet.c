/* SPDX-License-Identifier: MIT
 * Documents as rows.
 */
#include "viewer/sheet.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "viewer/app.h"
#include "viewer/hex.h"

static struct sheet *sheet_of(struct view *v)
{
	return v->state;
}

static void shown_update(struct sheet *sheet)
{
	size_t hidden = SIZE_MAX; /* indentation of the fold we are in */
	sheet->nr_shown = 0;
	for (size_t i = 0; i < sheet->nr; i++) {
		const struct sheet_line *line = &sheet->items[i];
		if (line->indent > hidden)
			continue;
		hidden = line->folded ? line->indent : SIZE_MAX;
		sheet->shown[sheet->nr_shown++] = i;
	}
}

static int lines_find(struct sheet *sheet, struct error *err)
{
	const char *text = sheet->text.data, *end = text + sheet->text.len;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text)) ?: end;
		size_t indent = strspn(text, " ");
		struct sheet_line *line = array_add(sheet);
		if (!line)
			return error_set(err, ENOMEM, "out of memory");
		line->indent = (uint32_t)indent;
		line->at = (size_t)(text - sheet->text.data) + indent;
		line->len = (size_t)(newline - sheet->text.data) - line->at;
		if (sheet->nr > 1)
			line[-1].folds = line->indent > line[-1].indent;
		text = newline + 1;
	}
	sheet->shown = calloc(sheet->nr + 1, sizeof(*sheet->shown));
	if (!sheet->shown)
		return error_set(err, ENOMEM, "out of memory");
	shown_update(sheet);
	return 0;
}

/* What was written before it failed or was stopped is shown, too. */
static void text_show(struct view *v)
{
	struct sheet *sheet = v->state;
	struct error err;
	sheet->text = sheet->child.text;
	sheet->child.text = (struct strbuf){ 0 };
	child_fini(&sheet->child);
	v->working = NULL;
	if (lines_find(sheet, &err) < 0)
		v->error = err;
}

bool sheet_idle(struct view *v)
{
	struct sheet *sheet = v->state;
	if (!v->working)
		return false;
	int rc = child_read(&sheet->child, &v->error);
	if (rc > 0)
		return true;
	v->error.code = rc;
	text_show(v);
	return false;
}

int sheet_write(struct view *v, child_run *write, struct error *err)
{
	struct sheet *sheet = v->state;
	int rc = child_start(&sheet->child, v, write, DOC_TEXT, err);
	if (rc < 0)
		return rc;
	v->working = "reading";
	view_hurry(v);
	if (v->error.code < 0 && err != &v->error)
		*err = v->error;
	return v->error.code;
}

size_t sheet_rows(struct view *v)
{
	return sheet_of(v)->nr_shown;
}

static bool is_heading(const char *text, size_t len)
{
	size_t capitals = 0;
	for (size_t i = 0; i < len; i++) {
		if (islower((unsigned char)text[i]) || (unsigned char)text[i] >= 0x80 ||
		    strchr(":/=[]\"", text[i]))
			return false;
		capitals += isupper((unsigned char)text[i]) != 0;
	}
	return capitals >= 2;
}

/* The length of "Title" in "Title: value", 0 when it is none. */
static size_t title_len(const char *text, size_t len)
{
	for (size_t i = 1; i + 1 < len && i < 48; i++) {
		if (text[i] == ':' && text[i + 1] == ' ')
			return i;
		if (text[i] == ' ' && text[i - 1] == ' ')
			return 0;
	}
	return 0;
}

static void item_compose(const struct sheet *sheet, size_t item, struct line *line)
{
	const struct sheet_line *l = &sheet->items[item];
	const char *text = sheet->text.data + l->at;
	size_t title = title_len(text, l->len);
	line_pad(line, l->indent + 1);
	line_style(line, ST_KEY);
	line_plain(line, !l->folds ? "  " : l->folded ? "+ " : "- ");
	if (l->folds)
		line_style(line, ST_TITLE);
	else if (title)
		line_style(line, ST_NAME);
	else
		line_style(line, is_heading(text, l->len) ? ST_HEADING : ST_NORMAL);
	line_bytes(line, text, title ? title + 1 : l->len);
	if (title) {
		line_style(line, ST_NORMAL);
		line_bytes(line, text + title + 1, l->len - title - 1);
	}
}

void sheet_row(struct view *v, size_t i, struct line *line)
{
	item_compose(v->state, sheet_of(v)->shown[i], line);
}

int sheet_below(struct view *v, size_t i, struct below *walk, struct line *line)
{
	const struct sheet *sheet = v->state;
	size_t root = sheet->shown[i], next = (walk->depth ? walk->path[0] : root) + 1;
	if (!line || !sheet->items[root].folded || next == sheet->nr ||
	    sheet->items[next].indent <= sheet->items[root].indent)
		return 0;
	walk->path[0] = next;
	walk->depth = 1;
	line_begin(line, NULL, 0, 1000);
	item_compose(sheet, next, line);
	return 1;
}

size_t sheet_reveal(struct view *v, size_t i, const struct below *walk)
{
	struct sheet *sheet = v->state;
	size_t item = walk->path[0], at = item;
	for (uint32_t indent = sheet->items[at].indent; indent && at > 0; at--) {
		struct sheet_line *above = &sheet->items[at - 1];
		if (above->indent >= indent)
			continue;
		above->folded = false;
		indent = above->indent;
	}
	shown_update(sheet);
	view_changed(v);
	while (i + 1 < sheet->nr_shown && sheet->shown[i] < item)
		i++;
	return i;
}

static void fold(struct view *v, struct sheet_line *line, bool folded)
{
	if (!line->folds)
		return;
	line->folded = folded;
	shown_update(v->state);
	view_changed(v);
}

static void fold_all(struct view *v)
{
	struct sheet *sheet = v->state;
	bool any = false;
	for (size_t i = 0; i < sheet->nr; i++)
		any |= sheet->items[i].folded;
	for (size_t i = 0; i < sheet->nr; i++)
		sheet->items[i].folded = !any && sheet->items[i].folds;
	shown_update(sheet);
	view_changed(v);
}

static bool to_parent(struct view *v)
{
	struct sheet *sheet = v->state;
	size_t at = v->cursor;
	uint32_t indent = sheet->items[sheet->shown[at]].indent;
	while (indent && at > 0 && sheet->items[sheet->shown[at]].indent >= indent)
		at--;
	if (at == v->cursor)
		return false;
	view_move(v, at);
	return true;
}

/* To the first address in a row of a process: a register, a frame, a handler. */
static bool address_follow(struct view *v, const struct sheet_line *line)
{
	const struct sheet *sheet = v->state;
	const char *text = sheet->text.data + line->at, *end = text + line->len;
	const char *at = v->process ? memmem(text, line->len, "0x", 2) : NULL;
	if (!at || end - at < 3 || !isxdigit((unsigned char)at[2]))
		return false;
	hex_follow(v->app, v->process, strtoull(at, NULL, 16));
	return true;
}

bool sheet_act(struct view *v, enum action action)
{
	struct sheet *sheet = v->state;
	size_t row = view_current(v);
	struct sheet_line *line = row == SIZE_MAX ? NULL : &sheet->items[sheet->shown[row]];
	if (action == ACT_STOP) {
		view_stopped(v);
		text_show(v);
	} else if (action == ACT_FOLD_ALL)
		fold_all(v);
	else if (!line)
		return false;
	else if (action == ACT_OPEN && !line->folds)
		return address_follow(v, line);
	else if (action == ACT_FOLD || action == ACT_OPEN)
		fold(v, line, !line->folded);
	else if (action == ACT_LEFT && !v->left && line->folds && !line->folded)
		fold(v, line, true);
	else if (action == ACT_LEFT && !v->left && !v->filter)
		return to_parent(v);
	else if (action == ACT_RIGHT && line->folded)
		fold(v, line, false);
	else
		return false;
	return true;
}

void sheet_close(struct view *v)
{
	struct sheet *sheet = v->state;
	if (sheet->child.pid)
		child_fini(&sheet->child);
	strbuf_fini(&sheet->text);
	free(sheet->items);
	free(sheet->shown);
}
