/* SPDX-License-Identifier: MIT
 * Bytes, as numbers and as characters.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "viewer/app.h"
#include "viewer/hex.h"
#include "viewer/image.h"
#include "viewer/views.h"

enum { WRITE_PIECE = 1 << 20, DIGITS = 12, DIGITS_MAX = 16 };

static uint64_t row_of(const struct hex *h, uint64_t at)
{
	uint64_t start, end;
	if (!h->bytes->ops->stretch(h->bytes, at, &start, &end) || at < start)
		return at;
	return at - (at - start) % h->per_row;
}

/* @return false: there is no row after this one */
static bool row_after(const struct hex *h, uint64_t row, uint64_t *out)
{
	uint64_t start, end;
	if (!h->bytes->ops->stretch(h->bytes, row, &start, &end))
		return false;
	if (row >= start && end - row > h->per_row) {
		*out = row + h->per_row;
		return true;
	}
	if (row < start) {
		*out = start;
		return true;
	}
	if (end == 0 || !h->bytes->ops->stretch(h->bytes, end, &start, &end))
		return false;
	*out = start;
	return true;
}

static bool row_before(const struct hex *h, uint64_t row, uint64_t *out)
{
	uint64_t start, end;
	if (!row || !h->bytes->ops->stretch_below(h->bytes, row - 1, &start, &end))
		return false;
	uint64_t last = row - 1 < end - 1 ? row - 1 : end - 1;
	*out = last - (last - start) % h->per_row;
	return true;
}

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

static void top_follow(struct view *v)
{
	struct hex *h = v->state;
	uint64_t row = row_of(h, h->at), top = row_of(h, h->top);
	int height = v->height > 0 ? v->height : 1;
	if (row < top) {
		h->top = row;
		return;
	}
	uint64_t at = top;
	for (int i = 0; i < height; i++) {
		if (at == row) {
			h->top = top;
			return;
		}
		if (!row_after(h, at, &at))
			break;
	}
	/* far away: a third of the screen above it */
	h->top = row;
	for (int i = row > top && row - top < (uint64_t)height * 2 * h->per_row ? 1
										: height * 2 / 3;
	     i < height && row_before(h, h->top, &at); i++)
		h->top = at;
}

static void rows_move(struct view *v, int64_t rows)
{
	struct hex *h = v->state;
	uint64_t row = row_of(h, h->at), column = h->at - row, next;
	for (; rows > 0 && row_after(h, row, &next); rows--)
		row = next;
	for (; rows < 0 && row_before(h, row, &next); rows++)
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

static enum style byte_style(const struct hex *h, const struct hex_row *row, size_t i)
{
	uint8_t byte = row->bytes[i];
	if (row->differs[i])
		return h->bytes->other ? ST_ADDED : ST_REMOVED;
	if (!row->known[i])
		return ST_PAGE_ABSENT;
	if (!byte)
		return ST_DIM;
	return byte >= 0x20 && byte < 0x7f ? ST_STRING : byte == 0xff ? ST_NUMBER : ST_NORMAL;
}

static enum style byte_base(const struct hex *h, uint64_t at)
{
	uint64_t low = h->at < h->mark ? h->at : h->mark, high = h->at < h->mark ? h->mark : h->at;
	if (at == h->at)
		return ST_SELECTED;
	if (h->match && at >= h->at && at - h->at < h->match)
		return ST_MATCH;
	return h->marking && at >= low && at <= high ? ST_MATCH : ST_NORMAL;
}

static int byte_column(const struct hex *h, size_t i)
{
	return (int)h->digits + 2 + (int)i * 3 + (int)(i / 8);
}

static int text_column(const struct hex *h)
{
	return byte_column(h, h->per_row);
}

/* The last row drawn when the top stays. */
static uint64_t row_last(const struct hex *h, int height)
{
	uint64_t at = h->top;
	for (int i = 1; i < height && row_after(h, at, &at); i++)
		;
	return at;
}

/* As many bytes in a row as there is room for, beside addresses as long as those on the screen. */
static void layout(struct view *v, int width)
{
	struct hex *h = v->state;
	for (h->digits = DIGITS;; h->digits = DIGITS_MAX) {
		for (h->per_row = HEX_ROW_MAX; h->per_row > 8; h->per_row /= 2) {
			if (text_column(h) + (int)h->per_row <= width)
				break;
		}
		top_follow(v);
		if (h->digits == DIGITS_MAX || row_last(h, v->height) >> (4 * DIGITS) == 0)
			break;
	}
}

static void row_draw(const struct hex *h, const struct hex_row *row, struct canvas *c,
		     struct rect r)
{
	char text[24];
	snprintf(text, sizeof(text), "%0*" PRIx64, (int)h->digits, row->at);
	canvas_str(c, r.x + 1, r.y, ST_DIM, text);
	int text_x = r.x + text_column(h);
	for (size_t i = 0; i < row->len; i++) {
		enum style style = byte_style(h, row, i);
		enum style base = byte_base(h, row->at + i);
		int x = r.x + byte_column(h, i);
		snprintf(text, sizeof(text), row->known[i] ? "%02x" : "..", row->bytes[i]);
		canvas_text(c, x, r.y, c->width, style, text, 2, 0);
		bool printable = row->known[i] && row->bytes[i] >= 0x20 && row->bytes[i] < 0x7f;
		text[0] = printable ? (char)row->bytes[i] : row->known[i] ? '.' : ' ';
		canvas_text(c, text_x + (int)i, r.y, c->width, style, text, 1, 0);
		if (base == ST_NORMAL)
			continue;
		bool more = base == ST_MATCH && i + 1 < row->len;
		canvas_base(c, (struct rect){ x, r.y, more ? 3 : 2, 1 }, base);
		canvas_base(c, (struct rect){ text_x + (int)i, r.y, 1, 1 }, base);
	}
}

static void hex_draw(struct view *v, struct canvas *c, struct rect r)
{
	struct hex *h = v->state;
	struct error err = { 0 };
	layout(v, r.width);
	uint64_t at = h->top, last = 0;
	for (int i = 0; i < r.height; i++) {
		struct hex_row row = { .at = at };
		uint64_t start, end;
		if (!h->bytes->ops->stretch(h->bytes, at, &start, &end))
			break;
		if (i && at != last + h->per_row && at == start && i + 1 < r.height &&
		    at != row_of(h, h->at)) {
			/* a gap between areas: said in the margin */
			canvas_str(c, r.x, r.y + i, ST_KEY, ">");
		}
		row.len = end - at < h->per_row ? (size_t)(end - at) : h->per_row;
		if (h->bytes->ops->read(h->bytes, at, row.bytes, row.len, row.known, &err) < 0) {
			canvas_str(c, r.x + 1, r.y + i, ST_ERROR, err.text);
			memset(row.known, 0, sizeof(row.known));
		} else {
			hex_row_compare(h, &row);
			row_draw(h, &row, c, (struct rect){ r.x, r.y + i, r.width, 1 });
		}
		last = at;
		if (!row_after(h, at, &at))
			break;
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

/* Hexadecimal, with or without 0x; "A+B". @return 0 or -EINVAL */
static int address_parse(const char *text, uint64_t *out)
{
	uint64_t sum = 0;
	for (;;) {
		char *end;
		errno = 0;
		unsigned long long value = strtoull(text, &end, 16);
		if (end == text || errno || __builtin_add_overflow(sum, value, &sum))
			return -EINVAL;
		while (*end == ' ')
			end++;
		if (!*end) {
			*out = sum;
			return 0;
		}
		if (*end != '+')
			return -EINVAL;
		text = end + 1;
	}
}

static void goto_typed(struct view *v, const char *text, size_t mode)
{
	struct hex *h = v->state;
	uint64_t at;
	(void)mode;
	if (!*text)
		return;
	if (address_parse(text, &at) < 0)
		app_say(v->app, "\"%s\" is no hexadecimal address", text);
	else if (!bytes_have(h->bytes, at))
		app_say(v->app, "nothing is at %#" PRIx64, at);
	else
		hex_jump(v, at);
}

static void address_ask(struct view *v)
{
	app_ask(v->app, &(struct prompt){ .label = "Go to (hex)", .view = v, .done = goto_typed },
		NULL);
}

static void mark(struct view *v)
{
	struct hex *h = v->state;
	h->marking = !h->marking;
	h->mark = h->at;
	if (h->marking)
		app_say(v->app, "marked from here; move on, then w writes them");
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
		address_ask(v);
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
		if (v->app->job.what || !h->nr_history)
			return false;
		cursor_set(v, h->history[--h->nr_history]);
		return true;
	default:
		return false;
	}
}

/* To the byte that was clicked; a second click follows the pointer there. */
static void hex_click(struct view *v, struct rect r, int x, int y)
{
	struct hex *h = v->state;
	uint64_t row = h->top, start, end;
	size_t column = 0;
	for (int i = r.y; i < y; i++) {
		if (!row_after(h, row, &row))
			return;
	}
	if (!h->bytes->ops->stretch(h->bytes, row, &start, &end))
		return;
	if (x - r.x >= text_column(h))
		column = (size_t)(x - r.x - text_column(h));
	else
		while (column + 1 < h->per_row && byte_column(h, column + 1) <= x - r.x)
			column++;
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

static int hex_write(struct view *v, int fd, uint64_t *at, struct error *err)
{
	struct hex *h = v->state;
	uint64_t start, end;
	auto_free uint8_t *buf = malloc(WRITE_PIECE);
	selection(h, &start, &end);
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	size_t len = end - start - *at < WRITE_PIECE ? (size_t)(end - start - *at) : WRITE_PIECE;
	int rc = h->bytes->ops->read(h->bytes, start + *at, buf, len, NULL, err);
	if (rc < 0)
		return rc;
	rc = fd_write_full(fd, buf, len);
	if (rc < 0)
		return error_code(err, rc, "write");
	*at += len;
	return start + *at < end;
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
	uint64_t end = h->top;
	for (int i = 0; i < v->height && row_after(h, end, &end); i++)
		;
	if (h->marking)
		selection(h, &h->top, &end);
	h->bytes->ops->command(h->bytes, h->top, end, out);
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

struct hex_arg {
	struct bytes *bytes;
	uint64_t at, match;
};

static int hex_start(struct view *v, struct error *err)
{
	struct hex *h = v->state;
	struct hex_arg *arg = v->arg;
	(void)err;
	h->bytes = arg->bytes;
	h->per_row = 16;
	h->wanted = arg->at;
	cursor_set(v, arg->at);
	h->top = row_of(h, h->at);
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

static void page_open(struct app *app, struct bytes *b, uint64_t at, uint64_t match)
{
	struct hex_arg *arg = malloc(sizeof(*arg));
	uint64_t start, end;
	if (!arg || !b->ops->stretch(b, 0, &start, &end)) {
		app_say(app, arg ? "there are no bytes" : "out of memory");
		b->ops->close(b);
		free(arg);
		return;
	}
	*arg = (struct hex_arg){ b, at, match };
	app_open(app, &view_hex, b->process, arg);
	if (app_view(app)->arg == arg)
		hex_other_begin(app_view(app), false);
}

void hex_open(struct app *app, struct bytes *b, uint64_t at)
{
	page_open(app, b, at, 0);
}

/* Memory that is to be looked at once it is open. */
struct opening {
	struct memory *memory;
	uint64_t at, match;
	bool maybe; /* `at` may be no address */
};

/* The memory is ready, so this takes no time. */
static void memory_show(struct app *app, const struct opening *o)
{
	struct error err;
	struct bytes *b;
	if (bytes_of_memory(app, o->memory->process, &b, &err) < 0) {
		app_fail(app, &err);
		return;
	}
	if (o->maybe && !bytes_have(b, o->at)) {
		app_say(app, "%#" PRIx64 " points to no memory of this process", o->at);
		b->ops->close(b);
		return;
	}
	page_open(app, b, o->at, o->match);
}

static int opening_step(struct job *job, struct error *err)
{
	return memory_step(((struct opening *)job->arg)->memory, err);
}

static void opening_end(struct job *job, int rc)
{
	struct opening *o = job->arg;
	struct app *app = job->view->app;
	if (rc == 0)
		memory_show(app, o);
	memory_unref(app, o->memory);
	free(o);
}

static void memory_open(struct app *app, const struct process *p, uint64_t at, uint64_t match,
			bool maybe)
{
	struct error err;
	struct opening *o = calloc(1, sizeof(*o));
	if (!o) {
		app_say(app, "out of memory");
		return;
	}
	*o = (struct opening){ .at = at, .match = match, .maybe = maybe };
	int rc = memory_begin(app, p, &o->memory, &err);
	if (rc < 0) {
		app_fail(app, &err);
		free(o);
		return;
	}
	struct job job = { .what = "reading areas",
			   .view = app_view(app),
			   .step = opening_step,
			   .end = opening_end,
			   .arg = o };
	if (o->memory->ready)
		opening_end(&job, 0);
	else
		app_job(app, &job);
}

void hex_open_memory(struct app *app, const struct process *p, uint64_t at, uint64_t match)
{
	memory_open(app, p, at, match, false);
}

void hex_follow(struct app *app, const struct process *p, uint64_t at)
{
	memory_open(app, p, at, 0, true);
}
