/* SPDX-License-Identifier: MIT
 * What is to be seen: a rectangle of cells. Views draw into it, curses.c paints it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/style.h"

struct cell {
	uint32_t ch;   /* code point; 0: the right half of a wide one */
	uint32_t mark; /* a combining character on it, or 0 */
	uint8_t style; /* enum style */
	uint8_t base;  /* ST_SELECTED or ST_MATCH below it, else ST_NORMAL */
};

struct canvas {
	int width, height;
	struct cell *cells;     /* row by row */
	int cursor_x, cursor_y; /* -1: not shown */
};

struct rect {
	int x, y, width, height;
};

/** Also makes it: a zeroed canvas has no cells. @return 0 or -ENOMEM (it stays as it was) */
int canvas_resize(struct canvas *c, int width, int height);
void canvas_fini(struct canvas *c);
/** Blanks everywhere, no cursor. */
void canvas_clear(struct canvas *c);

/** What lies outside is cut off by all of these. */
void canvas_fill(struct canvas *c, struct rect r, enum style style);
/**
 * Text from x on, at most up to `end`.
 * @param text  UTF-8; of what is not ours text_escape() says more than the U+FFFD that stands here
 *              for control characters
 * @param skip  cells of the text left out at its start
 * @return the column after it
 */
int canvas_text(struct canvas *c, int x, int y, int end, enum style style, const char *text,
		size_t len, size_t skip);
/** A text of our own. */
int canvas_str(struct canvas *c, int x, int y, enum style style, const char *text);
/** Put a background below what is there. */
void canvas_base(struct canvas *c, struct rect r, enum style base);

static inline struct cell *canvas_cell(struct canvas *c, int x, int y)
{
	return x >= 0 && x < c->width && y >= 0 && y < c->height
		   ? &c->cells[(size_t)y * (size_t)c->width + (size_t)x]
		   : NULL;
}
