/* SPDX-License-Identifier: MIT
 * What waits to be written, for the files that keep and that apply it.
 */
#pragma once

#include "base/strbuf.h"
#include "convert/edit/edit.h"
#include "viewer/app.h"

struct change {
	char *image;
	char *text;      /* "PATH=VALUE", or "PATH" to take it away */
	size_t path_len; /* in the text */
	bool delete;
	char *shown; /* "old -> new" */
};

struct edits {
	struct change *items;
	size_t nr, cap;
	struct strbuf image, path; /* of the question that is open */
};

void change_fini(struct change *change);
/** Are both about one field of one image? */
bool change_same_place(const struct change *a, const struct change *b);
/**
 * Keep a change that fits, in the place of one that waits for the same field.
 * @param change  given away
 */
void edits_keep(struct app *app, struct change *change);

/**
 * The changes in the order in which they are applied, so that paths mean what is on the screen:
 * values first, then what goes away, from the last to the first.
 * @param added  one more; what waits for the same field is left out. NULL: none
 * @return of edits_count() + 1 at most, behind them NULL; free() it. NULL: out of memory
 */
const struct change **edits_order(const struct edits *edits, const struct change *added);

/** Try a change together with those that wait; edits_keep() it when it fits. @param change  given
 * away */
void edits_try(struct view *v, struct change *change);
/** Write them all; then app->reopen. */
void edits_write(struct view *v);
