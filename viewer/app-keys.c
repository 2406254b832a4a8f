/* SPDX-License-Identifier: MIT
 * What keys and clicks do.
 */
#include <stdlib.h>

#include "viewer/address.h"
#include "viewer/app-parts.h"
#include "viewer/edits.h"
#include "viewer/find.h"
#include "viewer/image.h"
#include "viewer/page.h"
#include "viewer/prompt.h"
#include "viewer/views.h"

static void tab_select(struct app *app, size_t at)
{
	if (at < app->page->nr)
		app->page->at = at;
	else if (app->page->nr > 1)
		app_say(app, "there are %zu tabs", app->page->nr);
	else
		app_say(app, "there are no tabs here; q goes back");
}

/* The same tab of the process before or after this one. */
static void process_turn(struct app *app, int step)
{
	size_t nr = checkpoint_nr_processes(app->cp), tab = app->page->at, at = 0;
	const struct process *p = app->page->process;
	if (app->page->nr < 2 || !p) {
		app_say(app, "that is for the tabs of a process; q goes back to them");
		return;
	}
	while (at < nr && checkpoint_process(app->cp, at) != p)
		at++;
	if ((step < 0 && at == 0) || (step > 0 && at + 1 >= nr)) {
		app_say(app, step < 0 ? "this is the first process" : "this is the last process");
		return;
	}
	app_close(app);
	app_open_process(app, checkpoint_process(app->cp, step < 0 ? at - 1 : at + 1));
	tab_select(app, tab);
}

static void back(struct app *app, struct view *v)
{
	if (app->job.what)
		app_job_stop(app);
	else if (v->working && v->ops->act && v->state && v->ops->act(v, ACT_STOP))
		;
	else if (app->search) {
		free(app->search);
		app->search = NULL;
	} else if (v->filter)
		app_filter(v, "");
	else if (app->page->below)
		app_close(app);
}

static void leave(struct app *app, uint32_t key)
{
	if (key == KEY_CTRL('C') && app->job.what)
		app_job_stop(app);
	else
		app_quit(app);
}

static void copy_command(struct app *app, bool copy)
{
	auto_strbuf line = { 0 };
	if (app_command(app, &line) < 0 || !line.len) {
		app_say(app, "no command prints this");
		return;
	}
	if (copy) {
		strbuf_reset(&app->clipboard);
		strbuf_add(&app->clipboard, line.data, line.len);
	}
	app_say(app, copy ? "copied: %s" : "%s", line.data);
}

/* To another page, tab or process. @return whether it was one of these */
static bool act_go(struct app *app, enum action action, uint32_t key)
{
	struct view *v = app_view(app);
	struct page *page = app->page;
	switch (action) {
	case ACT_BACK:
		back(app, v);
		break;
	case ACT_QUIT:
		app_close(app);
		break;
	case ACT_LEAVE:
		leave(app, key);
		break;
	case ACT_ENTRY:
		if (image_view_name(v))
			app_say(app, "this is it");
		else
			image_open_of(app, v->process, IMG_CORE);
		break;
	case ACT_NEXT_TAB:
		tab_select(app, page->nr > 1 ? (page->at + 1) % page->nr : 1);
		break;
	case ACT_PREV_TAB:
		tab_select(app, page->nr > 1 ? (page->at + page->nr - 1) % page->nr : 1);
		break;
	case ACT_TAB_DIGIT:
		tab_select(app, key - '1');
		break;
	case ACT_NEXT_PROCESS:
	case ACT_PREV_PROCESS:
		process_turn(app, action == ACT_NEXT_PROCESS ? 1 : -1);
		break;
	case ACT_AUDIT:
		if (v->ops == &view_audit)
			app_say(app, "these are the findings");
		else
			audit_show(v);
		break;
	case ACT_REVIEW:
		edits_review(app);
		break;
	case ACT_HELP:
		if (v->ops != &view_help)
			app_open(app, &view_help, NULL, NULL);
		break;
	default:
		return false;
	}
	return true;
}

/* With what is seen. */
static void act(struct app *app, enum action action)
{
	struct view *v = app_view(app);
	switch (action) {
	case ACT_OPEN:
		app_say(app, "there is nothing to open here");
		break;
	case ACT_SEARCH:
	case ACT_NEXT:
	case ACT_PREV:
		app_search(v, action);
		break;
	case ACT_FILTER:
		app_filter_ask(v);
		break;
	case ACT_WRITE:
		app_write_ask(v);
		break;
	case ACT_COMMAND:
	case ACT_COPY:
		copy_command(app, action == ACT_COPY);
		break;
	case ACT_FIND:
		find_ask(v);
		break;
	case ACT_STRINGS:
		strings_ask(v);
		break;
	case ACT_GOTO:
		goto_ask(v);
		break;
	case ACT_AGAIN:
		if (!view_again(v))
			app_say(app, "nothing was stopped here that could begin again");
		break;
	case ACT_THEME:
		app->options.theme = (app->options.theme + 1) % NR_THEMES;
		app_say(app, "colours: %s", theme_names[app->options.theme]);
		app->redraw = true;
		break;
	case ACT_REDRAW:
		app->redraw = true;
		break;
	case ACT_SUSPEND:
		app->suspend = true;
		break;
	default:
		break;
	}
}

static void key_unknown(struct app *app, uint32_t key)
{
	const char *where = key_elsewhere(key);
	auto_strbuf name = { 0 };
	if (key_text(key, &name) == 0)
		app_say(app, "%s does nothing here%s%s; ? lists the keys", name.data,
			where ? ", but " : "", where ?: "");
}

static void key_press(struct app *app, uint32_t key)
{
	struct view *v = app_view(app);
	strbuf_reset(&app->message);
	if (app->prompt.on) {
		prompt_key(app, key);
		return;
	}
	enum action action = key_action(key, v->ops->places | (v->process ? IN_PROCESS : 0));
	if (action == ACT_NONE) {
		key_unknown(app, key);
		return;
	}
	if (v->state && v->ops->act && v->ops->act(v, action))
		return;
	if (!view_list_act(v, action) && !act_go(app, action, key))
		act(app, action);
}

static void wheel(struct view *v, enum action action)
{
	for (int i = 0; i < 3; i++) {
		if (!v->state || !v->ops->act || !v->ops->act(v, action))
			view_list_act(v, action);
	}
}

static void click(struct app *app, int x, int y)
{
	struct rect body = page_body(app);
	if (y == 1) {
		for (size_t i = 0; app->page->nr > 1 && i < app->page->nr; i++) {
			struct rect tab = page_tab_rect(app->page, i, app->canvas.width);
			if (x >= tab.x && x < tab.x + tab.width)
				tab_select(app, i);
		}
	} else if (y > 1 && y == app->canvas.height - 1) {
		uint32_t key = app_hint_at(app, x);
		if (key != KEY_NONE)
			key_press(app, key);
	} else if (y >= body.y && y < body.y + body.height) {
		view_click(app_view(app), body, x, y);
	}
}

void app_key(struct app *app, const struct key_event *event)
{
	struct view *v = app_view(app);
	view_need(v);
	if (event->key < KEY_CODE_CLICK)
		key_press(app, event->key);
	else if (app->prompt.on)
		return;
	else if (event->key == KEY_CODE_CLICK)
		click(app, event->x, event->y);
	else
		wheel(v, event->key == KEY_CODE_WHEEL_UP ? ACT_UP : ACT_DOWN);
}
