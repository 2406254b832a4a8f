/* SPDX-License-Identifier: MIT
 * The layout of documents as text: titled lines, indentation, tables aligned by their first rows.
 */
#pragma once

#include "base/strbuf.h"
#include "convert/doc/doc.h"
#include "convert/json/emit.h"

struct doc_text {
	struct json_out *out; /* the buffer and its error */
	unsigned indent;      /* of lines, in steps */
	bool waits;           /* a title that nothing was written below yet */
	unsigned title_indent;
	struct strbuf title;
	const struct doc_column *columns;
	size_t nr_columns;
	size_t *widths; /* per column that has a title; NULL: no table is open */
	bool aligned;   /* widths are final: rows are written at once */
	size_t nr_rows; /* held */
	struct {
		struct text_cell {
			size_t start, len; /* in held */
			size_t width;      /* columns of a terminal */
		} * items;
		size_t nr, cap;
	} cells; /* of the held rows, or of the current one */
	struct strbuf held;
	struct strbuf line;
};

/** Indents what follows. @param title  NULL: nothing stands above it */
void text_title(struct doc_text *text, const char *title);
/** The end of that: "Title: none" when nothing was. */
void text_title_end(struct doc_text *text);
/** "Title: bytes", escaped; without a title the bytes alone. */
void text_line(struct doc_text *text, const char *title, const void *bytes, size_t len);

void text_table_begin(struct doc_text *text, const struct doc_column *columns, size_t nr);
void text_table_end(struct doc_text *text);
void text_cell(struct doc_text *text, const void *bytes, size_t len);
void text_tree_cell(struct doc_text *text, unsigned depth, const char *value);
void text_row_end(struct doc_text *text);

void text_fini(struct doc_text *text);

/** Append bytes from an image so that they cannot steer a terminal: control bytes and bytes that
 *  are not UTF-8 as \xNN. @return columns they take (code points), or -ENOMEM */
long text_escape(const void *bytes, size_t len, struct strbuf *out);
