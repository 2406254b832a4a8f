/* SPDX-License-Identifier: MIT
 * Places: tabs with their cursors, images with the field that was looked at.
 */
#include "viewer/trail.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "viewer/image.h"
#include "viewer/page.h"
#include "viewer/views.h"

/* Of a page with tabs, or of an image. Others (bytes, what was found) are left behind. */
struct place {
	uint32_t pid; /* 0: of no process */
	size_t tab, cursor;
	bool diff; /* what differs is compared again */
	char *image;
	struct strbuf path; /* in it */
};

struct trail {
	struct place *items; /* the innermost first */
	size_t nr, cap;
};

static void trail_free(struct trail *trail)
{
	for (size_t i = 0; i < trail->nr; i++) {
		free(trail->items[i].image);
		strbuf_fini(&trail->items[i].path);
	}
	free(trail->items);
	free(trail);
}

struct trail *trail_take(struct app *app)
{
	struct trail *trail = calloc(1, sizeof(*trail));
	for (struct page *page = app->page; trail && page; page = page->below) {
		struct view *v = &page->views[page->at];
		const char *image = image_view_name(v);
		bool diff = v->ops == &view_diff;
		struct place *place = image || diff || page->nr > 1 ? array_add(trail) : NULL;
		if (!place)
			continue;
		place->pid = page->process ? page->process->pid : 0;
		place->diff = diff;
		place->tab = page->at;
		place->cursor = v->cursor;
		place->image = image ? strdup(image) : NULL;
		image_view_path(v, &place->path);
	}
	return trail;
}

static void place_open(struct app *app, const struct place *place, bool outermost)
{
	const struct process *p = place->pid ? checkpoint_find(app->cp, place->pid) : NULL;
	if (place->pid && !p)
		return;
	if (place->image) {
		image_open_path(app, p, place->image, place->path.data ?: "");
		return;
	}
	if (place->diff) {
		app_open(app, &view_diff, NULL, NULL);
		return;
	}
	if (!outermost)
		app_open_process(app, p);
	app->page->at = place->tab;
	view_need(app_view(app));
	app_view(app)->cursor = place->cursor; /* its rows may still be read */
}

void trail_go(struct app *app, struct trail *trail)
{
	if (!trail)
		return;
	for (size_t i = app->page ? trail->nr : 0; i-- > 0;)
		place_open(app, &trail->items[i], i + 1 == trail->nr);
	trail_free(trail);
}
