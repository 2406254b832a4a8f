/* SPDX-License-Identifier: MIT
 * The state of a view of bytes, for its parts.
 */
#pragma once

#include "convert/memory/search.h"
#include "viewer/bytes.h"

enum { HEX_HISTORY = 64 };

struct hex {
	struct bytes *bytes;
	uint64_t at, top;         /* cursor; first row drawn */
	unsigned per_row, digits; /* of addresses */
	bool marking;
	uint64_t mark;
	uint64_t history[HEX_HISTORY]; /* where pointers were followed from */
	size_t nr_history;
	struct pattern *pattern; /* last one looked for; NULL: none */
	uint64_t match;          /* bytes that match at the cursor */
};

/** Move the cursor far away: Esc comes back. */
void hex_jump(struct view *v, uint64_t to);
/** ACT_SEARCH asks for a pattern, ACT_NEXT and ACT_PREV go to where it is next. */
void hex_search(struct view *v, enum action action);
