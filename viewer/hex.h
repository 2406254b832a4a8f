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
	unsigned per_row, digits; /* of addresses */
	bool marking;
	uint64_t mark;
	uint64_t history[HEX_HISTORY]; /* where pointers were followed from */
	size_t nr_history;
	struct pattern *pattern; /* last one looked for; NULL: none */
	uint64_t match;          /* bytes that match at the cursor */
};

struct hex_row {
	uint64_t at;
	size_t len;
	uint8_t bytes[HEX_ROW_MAX], known[HEX_ROW_MAX];
	bool differs[HEX_ROW_MAX]; /* from the other checkpoint */
};

/** With --diff: begin to read the other checkpoint. @param asked  say why when it cannot */
void hex_other_begin(struct view *v, bool asked);
/** Show the same in the other checkpoint. */
void hex_swap(struct view *v);
void hex_row_compare(const struct hex *h, struct hex_row *row);

/** Move the cursor far away: Esc comes back. */
void hex_jump(struct view *v, uint64_t to);
/** ACT_SEARCH asks for a pattern, ACT_NEXT and ACT_PREV go to where it is next. */
void hex_search(struct view *v, enum action action);
