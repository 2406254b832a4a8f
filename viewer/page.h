/* SPDX-License-Identifier: MIT
 * Pages lie on each other; each has one view, or several in tabs.
 */
#pragma once

#include "viewer/view.h"

struct page {
	struct page *below; /* NULL: the outermost */
	const struct process *process;
	size_t nr, at;
	struct view views[];
};

/* Tabs of the checkpoint and of a process; end with NULL. */
extern const struct view_ops *const checkpoint_tabs[];
extern const struct view_ops *const process_tabs[];

/** @return NULL when memory is short */
struct page *page_new(struct app *app, const struct view_ops *const *tabs, size_t nr,
		      const struct process *process);
void page_free(struct page *page);

/** Where tab i is drawn. @return its rectangle in row 1; width 0: it is not on the screen */
struct rect page_tab_rect(const struct page *page, size_t i, int width);
/** The part of the screen for the view. */
struct rect page_body(const struct app *app);
