/* SPDX-License-Identifier: MIT
 * Pages, and how the screen is shared out.
 */
#include "viewer/page.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/app.h"
#include "viewer/width.h"

struct page *page_new(struct app *app, const struct view_ops *const *tabs, size_t nr,
		      const struct process *process)
{
	struct page *page = calloc(1, sizeof(*page) + nr * sizeof(page->views[0]));
	if (!page)
		return NULL;
	page->process = process;
	page->nr = nr;
	for (size_t i = 0; i < nr; i++)
		view_init(&page->views[i], tabs[i], app, process, NULL);
	return page;
}

void page_free(struct page *page)
{
	for (size_t i = 0; i < page->nr; i++)
		view_fini(&page->views[i]);
	free(page);
}

/* " 1 summary" */
static int tab_width(const struct page *page, size_t i)
{
	return (int)strlen(page->views[i].ops->name) + 3;
}

struct rect page_tab_rect(const struct page *page, size_t i, int width)
{
	int x = 0, last = 0;
	for (size_t k = 0; k <= page->at; k++)
		last += tab_width(page, k);
	int scrolled = last > width ? last - width : 0;
	for (size_t k = 0; k < i; k++)
		x += tab_width(page, k);
	x -= scrolled;
	int end = x + tab_width(page, i);
	if (x < 0 || x >= width)
		return (struct rect){ 0, 1, 0, 1 };
	return (struct rect){ x, 1, (end < width ? end : width) - x, 1 };
}

struct rect page_body(const struct app *app)
{
	int height = app->canvas.height - 3;
	return (struct rect){ 0, 2, app->canvas.width, height > 0 ? height : 0 };
}
