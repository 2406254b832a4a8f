/* SPDX-License-Identifier: MIT
 * A document as rows that fold where its text is indented.
 */
#pragma once

#include "convert/doc/doc.h"
#include "viewer/view.h"

/* The state of such a view, or the first member of it. */
struct sheet {
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

/** Fill it with a document. @param write  puts what is to be shown into it */
int sheet_write(struct view *v, int (*write)(struct view *v, struct doc *doc, struct error *err),
		struct error *err);

/** The same with text that is there already. */
int sheet_text(struct view *v, int (*read)(struct view *v, struct strbuf *out, struct error *err),
	       struct error *err);

/* For rows of view_ops. */
size_t sheet_rows(struct view *v);
void sheet_row(struct view *v, size_t i, struct line *line);
bool sheet_act(struct view *v, enum action action);
void sheet_close(struct view *v);
