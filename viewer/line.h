/* SPDX-License-Identifier: MIT
 * One row of a list while it is put together: cells of columns, pieces of styles.
 */
#pragma once

#include "base/strbuf.h"
#include "viewer/canvas.h"

struct column {
	const char *title;
	uint8_t width; /* cells; 0: the rest, for the last one */
	bool right;
	uint8_t from; /* left out on screens narrower than this; 0: always there */
	uint8_t most; /* it grows with the screen up to this; 0: it does not */
};

#define LINE_SPANS 96

struct line {
	struct strbuf text; /* UTF-8 without control characters */
	size_t width;       /* cells so far */
	struct line_span {
		size_t at; /* in text */
		enum style style;
	} spans[LINE_SPANS];
	size_t nr_spans;
	const struct column *columns; /* of a table, or NULL */
	size_t nr_columns, column;
	int screen;         /* width it is made for */
	size_t room;        /* cells of it that can be seen, from its start */
	size_t hidden;      /* cells that line_name() has left out */
	struct strbuf cell; /* the open one */
	enum style cell_style;
	bool failed; /* out of memory: it is shorter than it should be */
};

void line_begin(struct line *line, const struct column *columns, size_t nr, int screen);
void line_fini(struct line *line);
#define auto_line __attribute__((cleanup(line_fini))) struct line

/** Style of what follows. */
void line_style(struct line *line, enum style style);
/** Bytes of any kind: what could steer a terminal is shown as \xNN. */
void line_bytes(struct line *line, const void *bytes, size_t len);
void line_str(struct line *line, const char *text); /* NULL: nothing */
void line_printf(struct line *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Text of our own, which may have line drawing in it. */
void line_plain(struct line *line, const char *utf8);
/**
 * A path, or another name whose end says most: cut in front when there is no room for all of it
 * and `after` cells behind it.
 */
void line_name(struct line *line, const char *text, size_t after);
/** Blanks up to a column. */
void line_pad(struct line *line, size_t width);

/** The next cells of a table; too long ones are cut, but for the last. */
void line_cell(struct line *line, enum style style, const char *text);
/** Such a cell whose end says most: cut in front. */
void line_cell_end(struct line *line, enum style style, const char *text);
void line_cellf(struct line *line, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** "12.3M", as few characters as can be. */
void line_cell_size(struct line *line, enum style style, uint64_t bytes);
/** Whether the next column is shown, for one that is dear to fill. */
bool line_cell_wanted(const struct line *line);
/** Go past a column of which nothing is shown or known. */
void line_cell_skip(struct line *line);
/** Begin the last column: what follows (line_str, …) is in it. */
void line_rest(struct line *line);

/** The headings of a table. */
void line_headings(struct line *line);
/** Which column is at a cell of the headings. */
size_t line_column_at(const struct column *columns, size_t nr, int screen, int x);

/**
 * Draw it, from cell `skip` on.
 * @param base  what lies below the whole row
 */
void line_draw(const struct line *line, struct canvas *c, struct rect row, size_t skip,
	       enum style base);
/** Where the next row of it begins when `cells` of it stand in one: behind two
 * blanks, or else at a word, when there is one. */
size_t line_break(const struct line *line, size_t from, size_t cells);
/** Where `needle` stands in the text, smart case (capitals only when it has some); NULL: not. */
const char *text_find(const char *text, const char *needle);
/** Put ST_MATCH below each place a text stands. */
void line_match(const struct line *line, struct canvas *c, struct rect row, size_t skip,
		const char *needle);

/** "512", "4.0K", "1.2M": at most 5 characters. @return out */
const char *size_text(uint64_t bytes, char out[8]);
