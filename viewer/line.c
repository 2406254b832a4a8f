/* SPDX-License-Identifier: MIT
 * Putting rows together.
 */
#include "viewer/line.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "convert/doc/doc-text.h"
#include "viewer/width.h"

enum { COLUMN_GAP = 1 };

void line_begin(struct line *line, const struct column *columns, size_t nr, int screen)
{
	strbuf_reset(&line->text);
	line->width = 0;
	line->nr_spans = 0;
	line->columns = columns;
	line->nr_columns = nr;
	line->column = 0;
	line->screen = screen;
	line->room = screen > 0 ? (size_t)screen : 0;
	line->hidden = 0;
	line->failed = false;
}

void line_fini(struct line *line)
{
	strbuf_fini(&line->text);
	strbuf_fini(&line->cell);
}

void line_style(struct line *line, enum style style)
{
	if (line->nr_spans && line->spans[line->nr_spans - 1].at == line->text.len)
		line->nr_spans--;
	if (line->nr_spans < LINE_SPANS)
		line->spans[line->nr_spans++] = (struct line_span){ line->text.len, style };
}

/* What was appended since `before`. */
static void grown(struct line *line, size_t before, long rc)
{
	line->failed |= rc < 0;
	if (line->text.len > before)
		line->width += text_width(line->text.data + before, line->text.len - before);
}

void line_bytes(struct line *line, const void *bytes, size_t len)
{
	size_t before = line->text.len;
	grown(line, before, text_escape(bytes, len, &line->text));
}

void line_str(struct line *line, const char *text)
{
	if (text)
		line_bytes(line, text, strlen(text));
}

void line_printf(struct line *line, const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	line_str(line, text);
}

void line_plain(struct line *line, const char *utf8)
{
	size_t before = line->text.len;
	grown(line, before, strbuf_str(&line->text, utf8));
}

void line_pad(struct line *line, size_t width)
{
	while (line->width < width && !line->failed)
		line_plain(line, " ");
}

enum { NARROW = 80, GROWTH = 3 }; /* a growing column has a third of what is beyond that */

static bool column_shown(int screen, const struct column *column)
{
	return screen >= column->from;
}

static size_t column_width(int screen, const struct column *column)
{
	int grown = column->width + (screen > NARROW ? (screen - NARROW) / GROWTH : 0);
	return !column->most ? column->width : grown > column->most ? column->most : (size_t)grown;
}

size_t line_column_at(const struct column *columns, size_t nr, int screen, int x)
{
	int end = 0;
	for (size_t i = 0; i < nr; i++) {
		if (!column_shown(screen, &columns[i]))
			continue;
		end += (int)column_width(screen, &columns[i]) + COLUMN_GAP;
		if (x < end || !columns[i].width)
			return i;
	}
	return nr;
}

bool line_cell_wanted(const struct line *line)
{
	return line->column < line->nr_columns &&
	       column_shown(line->screen, &line->columns[line->column]);
}

static void gap(struct line *line)
{
	if (line->width)
		line_pad(line, line->width + COLUMN_GAP);
}

/* Bytes of text that fit into `cells`. */
static size_t fitting(const char *text, size_t len, size_t cells)
{
	size_t used = 0;
	for (size_t i = 0; i < len;) {
		uint32_t ch;
		size_t n = char_decode(text + i, len - i, &ch);
		used += (size_t)char_width(ch);
		if (used > cells)
			return i;
		i += n;
	}
	return len;
}

/* Text of ours, with a mark in the place of what does not fit. @param text  escaped */
static void text_add(struct line *line, const char *text, size_t len, size_t cells, bool end)
{
	size_t before = line->text.len, width = text_width(text, len);
	if (width <= cells) {
		grown(line, before, strbuf_add(&line->text, text, len));
		return;
	}
	size_t kept = cells ? cells - 1 : 0;
	if (!end) {
		grown(line, before, strbuf_add(&line->text, text, fitting(text, len, kept)));
		line_plain(line, "~");
		return;
	}
	size_t skip = fitting(text, len, width - kept);
	if (text_width(text, skip) < width - kept) { /* in the middle of a wide one */
		uint32_t ch;
		skip += char_decode(text + skip, len - skip, &ch);
	}
	line_plain(line, "…");
	before = line->text.len;
	grown(line, before, strbuf_add(&line->text, text + skip, len - skip));
}

/* The open cell, into the next column. @param end  its end is what is kept */
static void cell_add(struct line *line, enum style style, bool end)
{
	const char *text = line->cell.data ?: "";
	if (line->column >= line->nr_columns)
		return;
	const struct column *column = &line->columns[line->column++];
	if (!column_shown(line->screen, column))
		return;
	gap(line);
	size_t own = column_width(line->screen, column), start = line->width;
	size_t width = text_width(text, line->cell.len);
	if (column->right && width < own)
		line_pad(line, start + own - width);
	line_style(line, style);
	text_add(line, text, line->cell.len, own ?: SIZE_MAX, end);
	line_pad(line, start + own);
	line_style(line, ST_NORMAL);
}

static void cell_set(struct line *line, const char *text)
{
	strbuf_reset(&line->cell);
	if (text && text_escape(text, strlen(text), &line->cell) < 0)
		line->failed = true;
}

enum { NAME_MIN = 12 };

void line_name(struct line *line, const char *text, size_t after)
{
	size_t left = line->room > line->width ? line->room - line->width : 0;
	size_t least = left < NAME_MIN ? left : NAME_MIN;
	size_t cells = left > after + least ? left - after : least;
	cell_set(line, text);
	size_t width = text_width(line->cell.data ?: "", line->cell.len);
	line->hidden += width > cells ? width - cells : 0;
	text_add(line, line->cell.data ?: "", line->cell.len, cells, true);
}

void line_cell(struct line *line, enum style style, const char *text)
{
	cell_set(line, text);
	cell_add(line, style, false);
}

void line_cell_end(struct line *line, enum style style, const char *text)
{
	cell_set(line, text);
	cell_add(line, style, true);
}

void line_cellf(struct line *line, enum style style, const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	line_cell(line, style, text);
}

const char *size_text(uint64_t bytes, char out[8])
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	int unit = -1;
	if (bytes < 1024) {
		snprintf(out, 8, "%u", (unsigned)bytes);
		return out;
	}
	do {
		value /= 1024;
		unit++;
	} while (value >= 999.5 && unit < 5);
	snprintf(out, 8, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
	return out;
}

void line_cell_size(struct line *line, enum style style, uint64_t bytes)
{
	char text[8];
	line_cell(line, style, size_text(bytes, text));
}

void line_cell_skip(struct line *line)
{
	line_cell(line, ST_NORMAL, "");
}

void line_rest(struct line *line)
{
	line->column = line->nr_columns;
	gap(line);
}

void line_headings(struct line *line)
{
	for (size_t i = 0; i < line->nr_columns; i++)
		line_cell(line, ST_HEADING, line->columns[i].title);
}

void line_draw(const struct line *line, struct canvas *c, struct rect row, size_t skip,
	       enum style base)
{
	int x = row.x, end = row.x + row.width;
	size_t cells = 0; /* before the current span */
	for (size_t i = 0, at = 0; at < line->text.len; i++) {
		enum style style = i ? line->spans[i - 1].style : ST_NORMAL;
		size_t next = i < line->nr_spans ? line->spans[i].at : line->text.len;
		if (next == at && i < line->nr_spans)
			continue;
		const char *text = line->text.data + at;
		size_t width = text_width(text, next - at);
		x = canvas_text(c, x, row.y, end, style, text, next - at,
				skip > cells ? skip - cells : 0);
		cells += width;
		at = next;
	}
	if (base != ST_NORMAL)
		canvas_base(c, row, base);
}

size_t line_break(const struct line *line, size_t from, size_t cells)
{
	const char *text = line->text.data ?: "";
	size_t at = 0, word = 0, part = 0;
	uint32_t before = 0;
	for (size_t i = 0; i < line->text.len;) {
		uint32_t ch;
		i += char_decode(text + i, line->text.len - i, &ch);
		at += (size_t)char_width(ch);
		if (ch == ' ' && at > from + 1 && at - 1 <= from + cells)
			word = at;
		if (word == at && before == ' ')
			part = at;
		before = ch;
		if (ch != ' ' && at > from + cells)
			return part > from + cells / 2 ? part : word ?: from + (cells ?: 1);
	}
	return at;
}

static bool has_capitals(const char *s)
{
	for (; *s; s++) {
		if (isupper((unsigned char)*s))
			return true;
	}
	return false;
}

const char *text_find(const char *text, const char *needle)
{
	return has_capitals(needle) ? strstr(text, needle) : strcasestr(text, needle);
}

void line_match(const struct line *line, struct canvas *c, struct rect row, size_t skip,
		const char *needle)
{
	size_t len = strlen(needle);
	if (!len || !line->text.len)
		return;
	for (const char *at = line->text.data; (at = text_find(at, needle)); at += len) {
		int start =
		    (int)text_width(line->text.data, (size_t)(at - line->text.data)) - (int)skip;
		int width = (int)text_width(at, len);
		if (start < 0) {
			width += start;
			start = 0;
		}
		if (start >= row.width || width <= 0)
			continue;
		width = start + width > row.width ? row.width - start : width;
		canvas_base(c, (struct rect){ row.x + start, row.y, width, 1 }, ST_MATCH);
	}
}
