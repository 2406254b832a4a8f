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
#include "convert/memory/search.h"
#include "viewer/app.h"
#include "viewer/bytes.h"
#include "viewer/find.h"
#include "viewer/views.h"

enum { ROW_MAX = 32, HISTORY = 64, SEARCH_PIECE = 1 << 20 };

struct hex {
	struct bytes *bytes;
	uint64_t at, top; /* cursor; first row drawn */
	unsigned per_row;
	bool marking;
	uint64_t mark;
	uint64_t history[HISTORY]; /* where pointers were followed from */
	size_t nr_history;
	struct pattern *pattern;
	size_t match; /* bytes that match at the cursor */
};

static struct hex *hex_of(struct view *v)
{
	return v->state;
}

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

static enum style byte_style(uint8_t byte, bool known)
{
	if (!known)
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

struct hex_row {
	uint64_t at;
	size_t len;
	uint8_t bytes[ROW_MAX], known[ROW_MAX];
};

static void row_draw(const struct hex *h, const struct hex_row *row, struct canvas *c,
		     struct rect r)
{
	char text[24];
	snprintf(text, sizeof(text), "%016" PRIx64, row->at);
	canvas_str(c, r.x + 1, r.y, ST_DIM, text);
	int text_x = r.x + 19 + (int)h->per_row * 3 + (int)h->per_row / 8;
	for (size_t i = 0; i < row->len; i++) {
		enum style style = byte_style(row->bytes[i], row->known[i]);
		enum style base = byte_base(h, row->at + i);
		int x = r.x + 19 + (int)i * 3 + (int)(i / 8);
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
	h->per_row = r.width >= 19 + 32 * 4 + 4 + 1 ? 32 : r.width >= 19 + 16 * 4 + 2 ? 16 : 8;
	top_follow(v);
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
			row_draw(h, &row, c, (struct rect){ r.x, r.y + i, r.width, 1 });
		}
		last = at;
		if (!row_after(h, at, &at))
			break;
	}
}

/* @return bytes of a pointer at the cursor, 0: there is none */
static unsigned pointer_read(const struct hex *h, uint64_t *out)
{
	const struct memory *memory = h->bytes->memory;
	unsigned size = memory && !memory->is64 ? 4 : 8;
	uint8_t bytes[8], known[8];
	if (h->bytes->ops->read(h->bytes, h->at, bytes, size, known, NULL) < 0 ||
	    memchr(known, 0, size))
		return 0;
	*out = 0;
	for (unsigned i = 0; i < size; i++) {
		unsigned at = memory && memory->big_endian ? i : size - 1 - i;
		*out = *out << 8 | bytes[at];
	}
	return size;
}

static bool is_inside(const struct hex *h, uint64_t at)
{
	uint64_t start, end;
	return h->bytes->ops->stretch(h->bytes, at, &start, &end) && at >= start;
}

static void hex_footer(struct view *v, struct line *line)
{
	struct hex *h = v->state;
	auto_strbuf about = { 0 };
	uint64_t value = 0;
	if (!h->bytes)
		return;
	h->bytes->ops->about(h->bytes, h->at, &about);
	line_style(line, ST_TITLE);
	line_printf(line, " %" PRIx64, h->at);
	line_style(line, ST_NORMAL);
	if (pointer_read(h, &value)) {
		bool leads = h->bytes->process && is_inside(h, value);
		line_printf(line, "  %" PRId32, (int32_t)value);
		line_style(line, leads ? ST_LINK : ST_NORMAL);
		line_printf(line, "  %#" PRIx64, value);
		line_style(line, ST_DIM);
	}
	if (h->marking)
		line_printf(line, "  marked %" PRIu64,
			    (h->at > h->mark ? h->at - h->mark : h->mark - h->at) + 1);
	line_style(line, ST_DIM);
	line_plain(line, "  ");
	line_str(line, about.data);
}

static void jump(struct view *v, uint64_t to)
{
	struct hex *h = v->state;
	if (h->nr_history == HISTORY) {
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
	if (!h->bytes->process || !pointer_read(h, &to))
		app_say(v->app, "there is no pointer here");
	else if (!is_inside(h, to))
		app_say(v->app, "%#" PRIx64 " points to no memory of this process", to);
	else {
		jump(v, to);
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
	else if (!is_inside(h, at))
		app_say(v->app, "nothing is at %#" PRIx64, at);
	else
		jump(v, at);
}

static void address_ask(struct view *v)
{
	app_ask(v->app, &(struct prompt){ .label = "Go to (hex)", .view = v, .done = goto_typed },
		NULL);
}

/* A search through all of it: from the cursor round to the cursor, or up to it for the last one. */
struct byte_search {
	uint64_t from, at, start, end; /* cursor; where we are; the stretch */
	bool wrapped, backwards, found;
	uint64_t found_at;
	size_t found_len;
	uint8_t *buf;
};

static int match_look(struct view *v, struct byte_search *s, uint64_t limit, struct error *err)
{
	struct hex *h = v->state;
	size_t overlap = pattern_overlap(h->pattern);
	size_t len = s->end - s->at < SEARCH_PIECE ? (size_t)(s->end - s->at) : SEARCH_PIECE;
	size_t more = s->end - s->at - len < overlap ? (size_t)(s->end - s->at - len) : overlap;
	int rc = h->bytes->ops->read(h->bytes, s->at, s->buf, len + more, NULL, err);
	for (size_t from = 0, start, n; rc == 0 && from < len; from = start + 1) {
		rc = pattern_find(h->pattern, s->buf, len + more, from, &start, &n, err);
		if (rc <= 0 || start >= len || s->at + start >= limit)
			break;
		rc = 0;
		s->found = true;
		s->found_at = s->at + start;
		s->found_len = n;
		if (!s->backwards)
			return 0;
	}
	s->at += len;
	return rc < 0 ? rc : 0;
}

static int byte_search_step(struct job *job, struct error *err)
{
	struct byte_search *s = job->arg;
	struct view *v = job->view;
	struct hex *h = v->state;
	uint64_t limit = s->backwards != s->wrapped ? s->from : UINT64_MAX;
	if (s->backwards && s->wrapped)
		limit = UINT64_MAX;
	if (s->at >= s->end && !h->bytes->ops->data(h->bytes, s->at, &s->start, &s->end))
		s->end = s->at = UINT64_MAX;
	else if (s->at < s->start)
		s->at = s->start;
	if (s->at == UINT64_MAX || s->at >= limit) {
		if (s->found || s->wrapped)
			return 0;
		s->wrapped = true;
		s->at = s->end = s->backwards ? s->from : 0;
		return 1;
	}
	uint64_t before = s->at;
	int rc = match_look(v, s, limit, err);
	job->done += s->at - before;
	return rc < 0 ? rc : s->found && !s->backwards ? 0 : 1;
}

static void byte_search_end(struct job *job, int rc)
{
	struct byte_search *s = job->arg;
	struct view *v = job->view;
	if (rc == 0 && s->found) {
		jump(v, s->found_at);
		hex_of(v)->match = s->found_len;
		if (s->wrapped)
			app_say(v->app, "found after going round");
	} else if (rc == 0) {
		app_say(v->app, "not found");
	}
	free(s->buf);
	free(s);
}

static void byte_search_start(struct view *v, bool backwards)
{
	struct hex *h = v->state;
	struct byte_search *s = calloc(1, sizeof(*s));
	uint8_t *buf = malloc(SEARCH_PIECE + pattern_overlap(h->pattern) + 1);
	if (!s || !buf) {
		free(s);
		free(buf);
		app_say(v->app, "out of memory");
		return;
	}
	s->from = backwards ? h->at : h->at + 1;
	s->at = s->end = backwards ? 0 : h->at + 1;
	s->backwards = backwards;
	s->buf = buf;
	app_job(v->app, &(struct job){ .what = "searching, bytes:",
				       .view = v,
				       .step = byte_search_step,
				       .end = byte_search_end,
				       .arg = s });
}

const char *const pattern_modes[] = { "text", "text, any case", "regular expression", "hex", NULL };

int pattern_typed(const char *text, size_t mode, struct pattern **out, struct error *err)
{
	switch (mode) {
	case 0:
	case 1:
		return pattern_text(text, mode == 1, out, err);
	case 2:
		return pattern_regex(text, false, out, err);
	default:
		return pattern_hex(text, out, err);
	}
}

static void search_typed(struct view *v, const char *text, size_t mode)
{
	struct hex *h = v->state;
	struct error err;
	if (!*text)
		return;
	pattern_free(h->pattern);
	h->pattern = NULL;
	if (pattern_typed(text, mode, &h->pattern, &err) < 0)
		app_fail(v->app, &err);
	else
		byte_search_start(v, false);
}

static void search(struct view *v, enum action action)
{
	if (action == ACT_SEARCH)
		app_ask(v->app,
			&(struct prompt){ .label = "Search ",
					  .modes = pattern_modes,
					  .view = v,
					  .done = search_typed },
			NULL);
	else if (!hex_of(v)->pattern)
		app_say(v->app, "nothing was searched for yet: / begins");
	else
		byte_search_start(v, action == ACT_PREV);
}

static void mark(struct view *v)
{
	struct hex *h = v->state;
	h->marking = !h->marking;
	h->mark = h->at;
	if (h->marking)
		app_say(v->app, "marked from here; move on, then w writes them");
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
	case ACT_MARK:
		mark(v);
		return true;
	case ACT_SEARCH:
	case ACT_NEXT:
	case ACT_PREV:
		search(v, action);
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
	auto_free uint8_t *buf = malloc(SEARCH_PIECE);
	selection(h, &start, &end);
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	size_t len = end - start - *at < SEARCH_PIECE ? (size_t)(end - start - *at) : SEARCH_PIECE;
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
	if (hex_of(v)->bytes)
		line_str(line, hex_of(v)->bytes->title);
}

struct hex_arg {
	struct bytes *bytes;
	uint64_t at;
};

static int hex_start(struct view *v, struct error *err)
{
	struct hex *h = v->state;
	struct hex_arg *arg = v->arg;
	(void)err;
	h->bytes = arg->bytes;
	h->per_row = 16;
	cursor_set(v, arg->at);
	h->top = row_of(h, h->at);
	return 0;
}

static void hex_close(struct view *v)
{
	struct hex *h = v->state;
	if (h->bytes)
		h->bytes->ops->close(h->bytes);
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
	.command = hex_command,
	.write = hex_write,
	.write_name = hex_write_name,
	.title = hex_title,
};

void hex_open(struct app *app, struct bytes *b, uint64_t at)
{
	struct hex_arg *arg = malloc(sizeof(*arg));
	uint64_t start, end;
	if (!arg || !b->ops->stretch(b, 0, &start, &end)) {
		app_say(app, arg ? "there are no bytes" : "out of memory");
		b->ops->close(b);
		free(arg);
		return;
	}
	*arg = (struct hex_arg){ b, at };
	app_open(app, &view_hex, b->process, arg);
}

void hex_open_memory(struct app *app, const struct process *p, uint64_t at)
{
	struct error err;
	struct bytes *b;
	if (bytes_of_memory(app, p, &b, &err) < 0)
		app_fail(app, &err);
	else
		hex_open(app, b, at);
}
