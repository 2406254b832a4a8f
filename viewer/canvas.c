/* SPDX-License-Identifier: MIT
 * Drawing into cells.
 */
#include "viewer/canvas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "viewer/width.h"

enum { SIDE_MAX = 2000 };

int canvas_resize(struct canvas *c, int width, int height)
{
	width = width < 1 ? 1 : width > SIDE_MAX ? SIDE_MAX : width;
	height = height < 1 ? 1 : height > SIDE_MAX ? SIDE_MAX : height;
	struct cell *cells = calloc((size_t)width * (size_t)height, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	free(c->cells);
	*c = (struct canvas){ width, height, cells, -1, -1 };
	canvas_clear(c);
	return 0;
}

void canvas_fini(struct canvas *c)
{
	free(c->cells);
	*c = (struct canvas){ 0 };
}

void canvas_clear(struct canvas *c)
{
	canvas_fill(c, (struct rect){ 0, 0, c->width, c->height }, ST_NORMAL);
	c->cursor_x = c->cursor_y = -1;
}

void canvas_fill(struct canvas *c, struct rect r, enum style style)
{
	for (int y = r.y; y < r.y + r.height; y++) {
		for (int x = r.x; x < r.x + r.width; x++) {
			struct cell *cell = canvas_cell(c, x, y);
			if (cell)
				*cell = (struct cell){ ' ', 0, (uint8_t)style, ST_NORMAL };
		}
	}
}

/* What is left of a wide character when its other half is drawn over. */
static void half_drop(struct canvas *c, int x, int y, int other)
{
	struct cell *cell = canvas_cell(c, x, y), *beside = canvas_cell(c, other, y);
	if (!cell || !beside)
		return;
	if (other < x ? !cell->ch : !beside->ch)
		*beside = (struct cell){ ' ', 0, beside->style, beside->base };
}

static void put(struct canvas *c, int x, int y, enum style style, uint32_t ch, int width)
{
	struct cell *cell = canvas_cell(c, x, y);
	if (!cell)
		return;
	half_drop(c, x, y, x - 1);
	half_drop(c, x + width - 1, y, x + width);
	*cell = (struct cell){ ch, 0, (uint8_t)style, cell->base };
	if (width == 2 && (cell = canvas_cell(c, x + 1, y)))
		*cell = (struct cell){ 0, 0, (uint8_t)style, cell->base };
}

int canvas_text(struct canvas *c, int x, int y, int end, enum style style, const char *text,
		size_t len, size_t skip)
{
	size_t at = 0; /* cells of the text so far */
	int start = x;
	end = end < c->width ? end : c->width;
	for (size_t i = 0; i < len;) {
		uint32_t ch;
		i += char_decode(text + i, len - i, &ch);
		if (utf8_is_control(ch))
			ch = 0xfffd;
		int width = char_width(ch);
		struct cell *before = x > start ? canvas_cell(c, x - 1, y) : NULL;
		if (!width && before && !before->ch)
			before = canvas_cell(c, x - 2, y);
		if (!width) {
			if (before && at > skip && !before->mark)
				before->mark = ch;
			continue;
		}
		if (at >= skip) {
			if (x + width > end)
				break;
			put(c, x, y, style, ch, width);
			x += width;
		} else if (at + (size_t)width > skip) { /* half of a wide one is left */
			put(c, x++, y, style, ' ', 1);
		}
		at += (size_t)width;
	}
	return x;
}

int canvas_str(struct canvas *c, int x, int y, enum style style, const char *text)
{
	return canvas_text(c, x, y, c->width, style, text, strlen(text), 0);
}

void canvas_base(struct canvas *c, struct rect r, enum style base)
{
	for (int y = r.y; y < r.y + r.height; y++) {
		for (int x = r.x; x < r.x + r.width; x++) {
			struct cell *cell = canvas_cell(c, x, y);
			if (cell)
				cell->base = (uint8_t)base;
		}
	}
}
