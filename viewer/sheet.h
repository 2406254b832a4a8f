/* SPDX-License-Identifier: MIT
 * A document as rows that fold where its text is indented.
 */
#pragma once

#include "viewer/child.h"

/* The state of such a view, or the first member of it. */
struct sheet {
	struct child child; /* writes the text */
	struct strbuf text;
	struct sheet_line {
		size_t at, len; /* in text, without indentation */
		uint32_t indent;
		bool folds, folded;
	} * items;
	size_t nr, cap;
	size_t *shown;
	size_t nr_shown;
};

/** Fill it with a document, which another process writes. */
int sheet_write(struct view *v, child_run *write, struct error *err);

/* For rows of view_ops. */
size_t sheet_rows(struct view *v);
void sheet_row(struct view *v, size_t i, struct line *line);
int sheet_below(struct view *v, size_t i, struct below *walk, struct line *line);
size_t sheet_reveal(struct view *v, size_t i, const struct below *walk);
bool sheet_act(struct view *v, enum action action);
bool sheet_idle(struct view *v);
void sheet_close(struct view *v);
