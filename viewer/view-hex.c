/* SPDX-License-Identifier: MIT
 * Bytes, as numbers and as characters.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "viewer/address.h"
#include "viewer/app.h"
#include "viewer/hex-parts.h"
#include "viewer/hex.h"
#include "viewer/image.h"
#include "viewer/views.h"

enum { WRITE_PIECE = 1 << 20 };

static void cursor_set(struct view *v, uint64_t at)
{
	struct hex *h = v->state;
	uint64_t start, end;
	if (h->bytes->ops->stretch(h->bytes, at, &start, &end))
		h->at = at > start ? at : start;
	else if (h->bytes->ops->stretch_below(h->bytes, at, &start, &end))
		h->at = end - 1;
	h->match = 0;
}

static void rows_move(struct view *v, int64_t rows)
{
	struct hex *h = v->state;
	uint64_t row = hex_row_of(h, h->at), column = h->at - row, next;
	for (; rows > 0 && hex_row_after(h, row, &next); rows--)
		row = next;
	for (; rows < 0 && hex_row_before(h, row, &next); rows++)
		row = next;
	uint64_t start, end;
	if (h->bytes->ops->stretch(h->bytes, row, &start, &end) && row + column >= end)
		column = end - 1 - row;
	cursor_set(v, row + column);
}

static void byte_move(struct view *v, bool forward)
{
	struct hex *h = v->state;
	uint64_t start, end;
	if (forward) {
		if (h->bytes->ops->stretch(h->bytes, h->at + 1, &start, &end))
			cursor_set(v, h->at + 1);
	} else if (h->at && h->bytes->ops->stretch_below(h->bytes, h->at - 1, &start, &end)) {
		h->at = h->at - 1 < end ? h->at - 1 : end - 1;
		h->match = 0;
	}
}

/* The number at the cursor, as its machine has it. @param size  bytes; @return false: not there */
static bool number_read(const struct hex *h, unsigned size, uint64_t *out)
{
	const struct memory *memory = h->bytes->memory;
	uint8_t bytes[8], known[8];
	if (h->bytes->ops->read(h->bytes, h->at, bytes, size, known, NULL) < 0 ||
	    memchr(known, 0, size))
		return false;
	*out = 0;
	for (unsigned i = 0; i < size; i++) {
		unsigned at = memory && memory->big_endian ? i : size - 1 - i;
		*out = *out << 8 | bytes[at];
	}
	return true;
}

static bool pointer_read(const struct hex *h, uint64_t *out)
{
	const struct memory *memory = h->bytes->memory;
	return number_read(h, memory && !memory->is64 ? 4 : 8, out);
}

static void label(struct line *line, const char *text)
{
	line_style(line, ST_DIM);
	line_plain(line, text);
	line_style(line, ST_NORMAL);
}

/* At the cursor: "u32 4294967295 (-1)  u64 0x7fffffffffff"; what leads somewhere is a link. */
static void numbers_line(const struct hex *h, struct line *line)
{
	uint64_t value, pointer;
	if (!number_read(h, 4, &value))
		return;
	label(line, "  u32 ");
	line_printf(line, "%" PRIu64, value);
	if (value > INT32_MAX)
		line_printf(line, " (%" PRId32 ")", (int32_t)(uint32_t)value);
	if (!pointer_read(h, &pointer))
		return;
	bool leads = h->bytes->memory && bytes_have(h->bytes, pointer);
	label(line, h->bytes->memory && !h->bytes->memory->is64 ? " = " : "  u64 ");
	line_style(line, leads ? ST_LINK : ST_NORMAL);
	line_printf(line, "%#" PRIx64, pointer);
}

static void hex_footer(struct view *v, struct line *line)
{
	struct hex *h = v->state;
	auto_strbuf about = { 0 };
	if (!h->bytes)
		return;
	h->bytes->ops->about(h->bytes, h->at, &about);
	line_style(line, ST_TITLE);
	line_printf(line, " %" PRIx64, h->at);
	line_style(line, ST_NORMAL);
	numbers_line(h, line);
	if (h->marking)
		line_printf(line, "  marked %" PRIu64,
			    (h->at > h->mark ? h->at - h->mark : h->mark - h->at) + 1);
	line_style(line, ST_DIM);
	line_plain(line, "  ");
	line_str(line, about.data);
}

void hex_jump(struct view *v, uint64_t to)
{
	struct hex *h = v->state;
	if (h->nr_history == HEX_HISTORY) {
		memmove(h->history, h->history + 1, sizeof(h->history) - sizeof(h->history[0]));
		h->nr_history--;
	}
	h->history[h->nr_history++] = h->at;
	cursor_set(v, to);
}

static void pointer_follow(struct view *v)
{
	struct hex *h = v->state;
	uint64_t to;
	if (!h->bytes->process || !pointer_read(h, &to)) {
		app_say(v->app, "there is no pointer here");
	} else if (!h->bytes->memory) {
		hex_follow(v->app, h->bytes->process, to);
	} else if (!bytes_have(h->bytes, to)) {
		app_say(v->app, "%#" PRIx64 " points to no memory of this process", to);
	} else {
		hex_jump(v, to);
		app_say(v->app, "followed; Esc goes back");
	}
}

static void goto_typed(struct view *v, const char *text, size_t mode)
{
	struct hex *h = v->state;
	uint64_t at;
	(void)mode;
	if (!address_typed(v, text, &at))
		return;
	if (!bytes_have(h->bytes, at))
		app_say(v->app, "nothing is at %#" PRIx64, at);
	else
		hex_jump(v, at);
}

static void mark(struct view *v)
{
	struct hex *h = v->state;
	h->marking = !h->marking;
	h->mark = h->at;
	app_say(v->app, h->marking ? "marked from here; move on, then w writes them; Esc ends it"
				   : "the mark is gone");
}

static void entry_show(struct view *v)
{
	struct hex *h = v->state;
	size_t entry;
	const char *image = h->bytes->ops->entry(h->bytes, h->at, &entry);
	if (h->bytes->other)
		app_say(v->app, "it is in %s, which is not the one that is open",
			v->app->options.diff);
	else if (entry == SIZE_MAX && !h->bytes->process)
		app_say(v->app, "this is a whole file");
	else
		image_open_page(v->app, h->bytes->process, image, entry);
}

/* Out of marking, else to where a pointer or a search led away from. */
static bool step_back(struct view *v)
{
	struct hex *h = v->state;
	if (v->app->job.what || (!h->marking && !h->nr_history))
		return false;
	if (h->marking)
		mark(v);
	else
		cursor_set(v, h->history[--h->nr_history]);
	return true;
}

static bool hex_act(struct view *v, enum action action)
{
	struct hex *h = v->state;
	int page = v->height > 1 ? v->height - 1 : 1;
	uint64_t start, end;
	if (!h->bytes)
		return false;
	switch (action) {
	case ACT_DOWN:
	case ACT_UP:
		rows_move(v, action == ACT_DOWN ? 1 : -1);
		return true;
	case ACT_PAGE_DOWN:
	case ACT_PAGE_UP:
		rows_move(v, action == ACT_PAGE_DOWN ? page : -page);
		return true;
	case ACT_HALF_DOWN:
	case ACT_HALF_UP:
		rows_move(v, action == ACT_HALF_DOWN ? page / 2 + 1 : -page / 2 - 1);
		return true;
	case ACT_LEFT:
	case ACT_RIGHT:
		byte_move(v, action == ACT_RIGHT);
		return true;
	case ACT_TOP:
		cursor_set(v, 0);
		return true;
	case ACT_BOTTOM:
		if (h->bytes->ops->stretch_below(h->bytes, UINT64_MAX, &start, &end))
			cursor_set(v, end - 1);
		return true;
	case ACT_OPEN:
		pointer_follow(v);
		return true;
	case ACT_GOTO:
		address_ask(v, goto_typed);
		return true;
	case ACT_ENTRY:
		entry_show(v);
		return true;
	case ACT_OTHER:
		hex_swap(v);
		return true;
	case ACT_MARK:
		mark(v);
		return true;
	case ACT_SEARCH:
	case ACT_NEXT:
	case ACT_PREV:
		hex_search(v, action);
		return true;
	case ACT_BACK:
		return step_back(v);
	default:
		return false;
	}
}

/* To the byte that was clicked; a second click follows the pointer there. */
static void hex_click(struct view *v, struct rect r, int x, int y)
{
	struct hex *h = v->state;
	uint64_t row = h->top, start, end;
	for (int i = r.y; i < y; i++) {
		if (!hex_row_after(h, row, &row))
			return;
	}
	if (!h->bytes->ops->stretch(h->bytes, row, &start, &end))
		return;
	size_t column = hex_column_at(h, x - r.x);
	if (column >= h->per_row || column >= end - row)
		return;
	if (row + column == h->at)
		pointer_follow(v);
	else
		cursor_set(v, row + column);
}

/* The marked bytes, or the stretch the cursor is in. */
static void selection(const struct hex *h, uint64_t *start, uint64_t *end)
{
	if (h->marking) {
		*start = h->at < h->mark ? h->at : h->mark;
		*end = (h->at < h->mark ? h->mark : h->at) + 1;
	} else if (!h->bytes->ops->stretch(h->bytes, h->at, start, end)) {
		*start = *end = h->at;
	}
}

/* A mark from one area to another would be terabytes of nothing. */
static int holes_refuse(struct bytes *b, uint64_t at, uint64_t end, struct error *err)
{
	uint64_t start, next;
	for (; at < end; at = next) {
		if (!b->ops->stretch(b, at, &start, &next) || start > at)
			return error_set(err, EINVAL,
					 "nothing is at %#" PRIx64
					 ", which is marked, too: mark inside of one area",
					 at);
	}
	return 0;
}

static int hex_write(struct view *v, struct view_write *w, struct error *err)
{
	struct hex *h = v->state;
	auto_free uint8_t *buf = malloc(2 * WRITE_PIECE);
	int rc = 0;
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	if (!w->bytes) {
		w->bytes = h->bytes;
		selection(h, &w->start, &w->end);
		rc = holes_refuse(h->bytes, w->start, w->end, err);
		if (rc < 0)
			return rc;
		h->marking = false; /* it was for this */
	}
	uint64_t from = w->start + w->at, left = w->end - from;
	size_t len = left < WRITE_PIECE ? (size_t)left : WRITE_PIECE;
	uint8_t *known = buf + WRITE_PIECE;
	rc = w->bytes->ops->read(w->bytes, from, buf, len, known, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < len; i++)
		w->unknown += !known[i];
	rc = fd_write_full(w->fd, buf, len);
	if (rc < 0)
		return error_code(err, rc, "write");
	w->at += len;
	return from + len < w->end;
}

static void hex_write_name(struct view *v, struct strbuf *out)
{
	struct hex *h = v->state;
	uint64_t start, end;
	selection(h, &start, &end);
	strbuf_printf(out, "bytes-%" PRIx64 "-%" PRIx64 ".bin", start, end);
}

static void hex_object(struct view *v, struct view_object *out)
{
	struct hex *h = v->state;
	snprintf(out->what, sizeof(out->what), h->bytes->memory ? "this area" : "these bytes");
	if (h->bytes->memory)
		h->bytes->ops->stretch(h->bytes, h->at, &out->start, &out->end);
	else
		snprintf(out->images[0].name, sizeof(out->images[0].name), "%s",
			 h->bytes->ops->entry(h->bytes, h->at, &out->images[0].entry));
}

static void hex_command(struct view *v, struct strbuf *out)
{
	struct hex *h = v->state;
	uint64_t start = h->top, end = start;
	for (int i = 0; i < v->height && hex_row_after(h, end, &end); i++)
		;
	if (h->marking)
		selection(h, &start, &end);
	h->bytes->ops->command(h->bytes, start, end, out);
}

static void hex_title(struct view *v, struct line *line)
{
	const struct hex *h = v->state;
	if (!h->bytes)
		return;
	line_str(line, h->bytes->title);
	if (!h->other)
		return;
	line_plain(line, h->bytes->other ? " in B (x: A), " : " in A (x: B), ");
	line_str(line, h->bytes->other ? v->app->options.diff : v->app->options.path);
}

static int hex_start(struct view *v, struct error *err)
{
	struct hex *h = v->state;
	struct hex_arg *arg = v->arg;
	(void)err;
	h->bytes = arg->bytes;
	h->per_row = 16;
	h->wanted = arg->at;
	cursor_set(v, arg->at);
	h->top = hex_row_of(h, h->at);
	h->match = arg->match;
	return 0;
}

static void hex_close(struct view *v)
{
	struct hex *h = v->state;
	if (h->bytes)
		h->bytes->ops->close(h->bytes);
	if (h->other)
		h->other->ops->close(h->other);
	pattern_free(h->pattern);
	free(h->text);
	free(v->arg);
}

static size_t hex_rows(struct view *v)
{
	(void)v;
	return 0;
}

const struct view_ops view_hex = {
	.name = "bytes",
	.places = IN_BYTES,
	.state_size = sizeof(struct hex),
	.open = hex_start,
	.close = hex_close,
	.rows = hex_rows,
	.draw = hex_draw,
	.footer = hex_footer,
	.act = hex_act,
	.click = hex_click,
	.object = hex_object,
	.command = hex_command,
	.write = hex_write,
	.write_name = hex_write_name,
	.title = hex_title,
};
