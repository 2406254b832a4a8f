/* SPDX-License-Identifier: MIT
 * The layout of documents as text: titled lines, indentation, tables aligned by their first rows.
 */
#include "convert/doc/doc-text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/utf8.h"

enum { INDENT_STEP = 2, HELD_ROWS = 512, COLUMN_GAP = 2 };

static void fail(struct doc_text *text, int error)
{
	if (!text->out->error)
		text->out->error = error;
}

static int hex_escape(unsigned char byte, struct strbuf *out)
{
	static const char digits[] = "0123456789abcdef";
	const char text[4] = { '\\', 'x', digits[byte >> 4], digits[byte & 15] };
	return strbuf_add(out, text, sizeof(text));
}

long text_escape(const void *bytes, size_t len, struct strbuf *out)
{
	const unsigned char *s = bytes;
	long width = 0;
	for (size_t i = 0; i < len;) {
		size_t plain = i;
		while (plain < len && s[plain] >= 0x20 && s[plain] < 0x7f)
			plain++;
		if (plain > i) {
			if (strbuf_add(out, s + i, plain - i) < 0)
				return -ENOMEM;
			width += (long)(plain - i);
			i = plain;
			continue;
		}
		size_t n = utf8_shown((const char *)s + i, len - i);
		int rc = n ? strbuf_add(out, s + i, n) : hex_escape(s[i], out);
		if (rc < 0)
			return -ENOMEM;
		width += n ? 1 : 4;
		i += n ? n : 1;
	}
	return width;
}

static void write_spaces(struct doc_text *text, size_t nr)
{
	static const char spaces[] = "                                ";
	for (; nr > sizeof(spaces) - 1; nr -= sizeof(spaces) - 1)
		json_raw(text->out, spaces, sizeof(spaces) - 1);
	json_raw(text->out, spaces, nr);
}

static void line_write(struct doc_text *text, unsigned indent, const char *title, const void *bytes,
		       size_t len)
{
	strbuf_reset(&text->line);
	if (text_escape(bytes, len, &text->line) < 0) {
		fail(text, -ENOMEM);
		return;
	}
	write_spaces(text, (size_t)indent * INDENT_STEP);
	if (title) {
		json_raw(text->out, title, strlen(title));
		json_raw(text->out, ": ", text->line.len ? 2 : 1);
	}
	json_raw(text->out, text->line.data ?: "", text->line.len);
	json_raw(text->out, "\n", 1);
}

/* Something comes below the title that waits. */
static void title_write(struct doc_text *text)
{
	if (!text->waits)
		return;
	text->waits = false;
	line_write(text, text->title_indent, NULL, text->title.data, text->title.len);
}

void text_line(struct doc_text *text, const char *title, const void *bytes, size_t len)
{
	title_write(text);
	line_write(text, text->indent, title, bytes, len);
}

void text_title(struct doc_text *text, const char *title)
{
	if (title) {
		title_write(text);
		strbuf_reset(&text->title);
		text->waits = true;
		text->title_indent = text->indent;
		if (strbuf_str(&text->title, title) < 0)
			fail(text, -ENOMEM);
	}
	text->indent++;
}

void text_title_end(struct doc_text *text)
{
	text->indent--;
	if (!text->waits || text->title_indent != text->indent)
		return;
	text->waits = false;
	line_write(text, text->indent, text->title.data, "none", 4);
}

void text_table_begin(struct doc_text *text, const struct doc_column *columns, size_t nr)
{
	text->columns = columns;
	text->nr_columns = nr;
	text->aligned = false;
	text->nr_rows = 0;
	text->cells.nr = 0;
	strbuf_reset(&text->held);
	free(text->widths);
	text->widths = calloc(nr + 1, sizeof(*text->widths));
	if (!text->widths) {
		fail(text, -ENOMEM);
		return;
	}
	for (size_t i = 0, shown = 0; i < nr; i++) {
		if (columns[i].title)
			text->widths[shown++] = strlen(columns[i].title);
	}
}

static void cell_add(struct doc_text *text, size_t start, long width)
{
	struct text_cell *cell = width < 0 ? NULL : array_add(&text->cells);
	if (!cell) {
		fail(text, -ENOMEM);
		return;
	}
	*cell = (struct text_cell){ start, text->held.len - start, (size_t)width };
}

void text_cell(struct doc_text *text, const void *bytes, size_t len)
{
	size_t start = text->held.len;
	cell_add(text, start, text_escape(bytes, len, &text->held));
}

void text_tree_cell(struct doc_text *text, unsigned depth, const char *value)
{
	size_t start = text->held.len;
	unsigned indent = depth * INDENT_STEP;
	for (unsigned i = 0; i < indent; i++) {
		if (strbuf_char(&text->held, ' ') < 0)
			fail(text, -ENOMEM);
	}
	long width = text_escape(value ?: "-", strlen(value ?: "-"), &text->held);
	cell_add(text, start, width < 0 ? width : width + (long)indent);
}

/* The next column that is shown as text, from `column` on. */
static const struct doc_column *column_shown(const struct doc_text *text, size_t *column)
{
	while (*column < text->nr_columns && !text->columns[*column].title)
		++*column;
	return *column < text->nr_columns ? &text->columns[(*column)++] : NULL;
}

static void cell_write(struct doc_text *text, const struct doc_column *column, size_t at,
		       const char *bytes, size_t len, size_t width, bool last)
{
	size_t pad = text->widths[at] > width ? text->widths[at] - width : 0;
	if (at)
		write_spaces(text, COLUMN_GAP);
	if (column->align == DOC_RIGHT)
		write_spaces(text, pad);
	json_raw(text->out, bytes, len);
	if (column->align == DOC_LEFT && !last)
		write_spaces(text, pad);
}

static void heading_write(struct doc_text *text)
{
	size_t column = 0, at = 0;
	const struct doc_column *next = column_shown(text, &column);
	title_write(text);
	write_spaces(text, (size_t)text->indent * INDENT_STEP);
	while (next) {
		const struct doc_column *c = next;
		next = column_shown(text, &column);
		cell_write(text, c, at++, c->title, strlen(c->title), strlen(c->title), !next);
	}
	json_raw(text->out, "\n", 1);
}

/* Cells [first, …) of one row. @return the first of the next one */
static size_t row_write(struct doc_text *text, size_t first)
{
	size_t column = 0, at = 0;
	const struct doc_column *next = column_shown(text, &column);
	write_spaces(text, (size_t)text->indent * INDENT_STEP);
	while (next && first + at < text->cells.nr) {
		const struct doc_column *c = next;
		const struct text_cell *cell = &text->cells.items[first + at];
		next = column_shown(text, &column);
		const char *bytes = cell->len ? text->held.data + cell->start : "";
		cell_write(text, c, at++, bytes, cell->len, cell->width, !next);
	}
	json_raw(text->out, "\n", 1);
	return first + at;
}

/* Write the heading and what was held, now that widths are known. */
static void table_align(struct doc_text *text)
{
	if (text->aligned || !text->widths || !text->nr_rows)
		return;
	text->aligned = true;
	heading_write(text);
	for (size_t i = 0, cell = 0; i < text->nr_rows; i++)
		cell = row_write(text, cell);
	text->cells.nr = 0;
	strbuf_reset(&text->held);
}

void text_row_end(struct doc_text *text)
{
	size_t shown = 0;
	for (size_t i = 0; i < text->nr_columns; i++)
		shown += text->columns[i].title != NULL;
	/* a row that was left short keeps its place */
	size_t rows = text->aligned ? 0 : text->nr_rows;
	while (text->cells.nr < (rows + 1) * shown && !text->out->error)
		cell_add(text, text->held.len, 0);
	if (text->out->error || !text->widths)
		return;
	if (text->aligned) {
		row_write(text, 0);
		text->cells.nr = 0;
		strbuf_reset(&text->held);
		return;
	}
	for (size_t i = 0; i < shown; i++) {
		size_t width = text->cells.items[rows * shown + i].width;
		if (width > text->widths[i])
			text->widths[i] = width;
	}
	if (++text->nr_rows == HELD_ROWS)
		table_align(text);
}

void text_table_end(struct doc_text *text)
{
	table_align(text);
	free(text->widths);
	text->widths = NULL;
}

void text_fini(struct doc_text *text)
{
	free(text->widths);
	free(text->cells.items);
	strbuf_fini(&text->held);
	strbuf_fini(&text->line);
	strbuf_fini(&text->title);
}
