/* SPDX-License-Identifier: MIT
 * Where bytes stand on the screen, and what they look like.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "viewer/hex-parts.h"

enum { DIGITS = 12, DIGITS_MAX = 16 };

uint64_t hex_row_of(const struct hex *h, uint64_t at)
{
	uint64_t start, end;
	if (!h->bytes->ops->stretch(h->bytes, at, &start, &end) || at < start)
		return at;
	return at - (at - start) % h->per_row;
}

bool hex_row_after(const struct hex *h, uint64_t row, uint64_t *out)
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

bool hex_row_before(const struct hex *h, uint64_t row, uint64_t *out)
{
	uint64_t start, end;
	if (!row || !h->bytes->ops->stretch_below(h->bytes, row - 1, &start, &end))
		return false;
	uint64_t last = row - 1 < end - 1 ? row - 1 : end - 1;
	*out = last - (last - start) % h->per_row;
	return true;
}

static void top_follow(struct view *v)
{
	struct hex *h = v->state;
	uint64_t row = hex_row_of(h, h->at), top = hex_row_of(h, h->top);
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
		if (!hex_row_after(h, at, &at))
			break;
	}
	/* far away: a third of the screen above it */
	h->top = row;
	for (int i = row > top && row - top < (uint64_t)height * 2 * h->per_row ? 1
										: height * 2 / 3;
	     i < height && hex_row_before(h, h->top, &at); i++)
		h->top = at;
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

size_t hex_column_at(const struct hex *h, int x)
{
	size_t column = 0;
	if (x >= text_column(h))
		return (size_t)(x - text_column(h));
	while (column + 1 < h->per_row && byte_column(h, column + 1) <= x)
		column++;
	return column;
}

/* The last row drawn when the top stays. */
static uint64_t row_last(const struct hex *h, int height)
{
	uint64_t at = h->top;
	for (int i = 1; i < height && hex_row_after(h, at, &at); i++)
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

void hex_draw(struct view *v, struct canvas *c, struct rect r)
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
		    at != hex_row_of(h, h->at)) {
			/* a gap between areas: said in the margin */
			canvas_str(c, r.x, r.y + i, ST_KEY, ">");
		}
		row.len = end - at < h->per_row ? (size_t)(end - at) : h->per_row;
		if (h->bytes->ops->read(h->bytes, at, row.bytes, row.len, row.known, &err) < 0) {
			canvas_str(c, r.x + 1, r.y + i, ST_ERROR, err.text);
		} else {
			hex_row_compare(h, &row);
			row_draw(h, &row, c, (struct rect){ r.x, r.y + i, r.width, 1 });
		}
		last = at;
		if (!hex_row_after(h, at, &at))
			break;
	}
}
