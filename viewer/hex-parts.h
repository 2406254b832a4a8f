/* SPDX-License-Identifier: MIT
 * The state of a view of bytes, for its parts.
 */
#pragma once

#include "convert/memory/search.h"
#include "viewer/bytes.h"
#include "viewer/view.h"

enum { HEX_HISTORY = 64, HEX_ROW_MAX = 32 };

struct hex {
	struct bytes *bytes;
	struct bytes *other; /* the same in the other checkpoint, whichever is shown; NULL: none */
	uint64_t wanted;     /* the address it was opened for */
	uint64_t at, top;    /* cursor; first row drawn */
	unsigned per_row;    /* bytes */
	unsigned digits;     /* of addresses */
	bool marking;
	uint64_t mark;
	uint64_t history[HEX_HISTORY]; /* where pointers were followed from */
	size_t nr_history;
	struct pattern *pattern; /* last one looked for; NULL: none */
	char *text;              /* it was made of, as pattern_modes[mode] */
	size_t mode;
	uint64_t match; /* bytes that match at the cursor */
};

struct hex_row {
	uint64_t at;
	size_t len;
	uint8_t bytes[HEX_ROW_MAX], known[HEX_ROW_MAX];
	bool differs[HEX_ROW_MAX]; /* from the other checkpoint */
};

/* What a page of bytes is opened with. */
struct hex_arg {
	struct bytes *bytes;
	uint64_t at, match;
};

/** The row a byte is in, and the rows beside one. @return false: there is none */
uint64_t hex_row_of(const struct hex *h, uint64_t at);
bool hex_row_after(const struct hex *h, uint64_t row, uint64_t *out);
bool hex_row_before(const struct hex *h, uint64_t row, uint64_t *out);
/** Which byte of a row stands at a column of the screen. */
size_t hex_column_at(const struct hex *h, int x);
/** As view_ops.draw; the row of the cursor is on the screen afterwards. */
void hex_draw(struct view *v, struct canvas *c, struct rect r);

/** With --diff: begin to read the other checkpoint. @param asked  say why when it cannot */
void hex_other_begin(struct view *v, bool asked);
/** Show the same in the other checkpoint. */
void hex_swap(struct view *v);
void hex_row_compare(const struct hex *h, struct hex_row *row);

/** Move the cursor far away: Esc comes back. */
void hex_jump(struct view *v, uint64_t to);
/** ACT_SEARCH asks for a pattern, ACT_NEXT and ACT_PREV go to where it is next. */
void hex_search(struct view *v, enum action action);
