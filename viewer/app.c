/* SPDX-License-Identifier: MIT
 * The application: its life, its pages, what its keys do.
 */
#include "viewer/app.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/array.h"
#include "viewer/address.h"
#include "viewer/app-parts.h"
#include "viewer/edits.h"
#include "viewer/facts.h"
#include "viewer/find.h"
#include "viewer/image.h"
#include "viewer/memory.h"
#include "viewer/page.h"
#include "viewer/prompt.h"
#include "viewer/views.h"

int64_t app_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void app_say(struct app *app, const char *fmt, ...)
{
	va_list args;
	strbuf_reset(&app->message);
	app->message_style = ST_NORMAL;
	va_start(args, fmt);
	strbuf_vprintf(&app->message, fmt, args);
	va_end(args);
}

void app_fail(struct app *app, const struct error *err)
{
	app_say(app, "%s", err->text);
	app->message_style = ST_ERROR;
}

struct view *app_view(struct app *app)
{
	return &app->page->views[app->page->at];
}

static void page_push(struct app *app, struct page *page)
{
	if (!page) {
		app_say(app, "out of memory");
		return;
	}
	page->below = app->page;
	app->page = page;
}

void app_open(struct app *app, const struct view_ops *ops, const struct process *p, void *arg)
{
	struct page *page = page_new(app, &ops, 1, p);
	if (!page) {
		free(arg);
		app_say(app, "out of memory");
		return;
	}
	page->views[0].arg = arg;
	page_push(app, page);
	view_need(&page->views[0]);
}

static size_t tabs_count(const struct view_ops *const *tabs)
{
	size_t nr = 0;
	while (tabs[nr])
		nr++;
	return nr;
}

void app_open_process(struct app *app, const struct process *p)
{
	page_push(app, page_new(app, process_tabs, tabs_count(process_tabs), p));
}

void app_ask(struct app *app, const struct prompt *prompt, const char *text)
{
	strbuf_fini(&app->prompt.text);
	app->prompt = *prompt;
	app->prompt.on = true;
	if (text && strbuf_str(&app->prompt.text, text) == 0)
		app->prompt.at = app->prompt.text.len;
}

static void confirm_answered(struct view *v, const char *text, size_t mode)
{
	const struct prompt *prompt = &v->app->prompt;
	(void)mode;
	if (!strcasecmp(text, "y") || !strcasecmp(text, "yes"))
		prompt->yes(v);
	else
		app_say(v->app, "%s", prompt->no);
}

void app_confirm(struct view *v, const char *question, void (*yes)(struct view *v), const char *no)
{
	app_ask(v->app,
		&(struct prompt){
		    .label = question, .view = v, .done = confirm_answered, .yes = yes, .no = no },
		NULL);
}

static void quit_wanted(struct view *v)
{
	v->app->quit = true;
}

/* Changes that wait are not lost without a word. */
static void quit(struct app *app)
{
	if (!edits_count(app))
		app->quit = true;
	else
		app_confirm(app_view(app), "Leave, and lose the changes that wait?", quit_wanted,
			    "R shows what waits, W there writes it");
}

static void page_pop(struct app *app)
{
	struct page *page = app->page;
	if (!page->below) {
		quit(app);
		return;
	}
	app->page = page->below;
	page_free(page);
}

struct checkpoint *app_checkpoint_of(const struct app *app, const struct process *p)
{
	bool other = app->other.cp && checkpoint_find(app->other.cp, p->pid) == p;
	return other ? app->other.cp : app->cp;
}

struct file_describer *app_files(struct app *app, struct error *err)
{
	if (!app->files && file_describer_new(app->cp, &app->files, err) < 0)
		return NULL;
	return app->files;
}

void app_job(struct app *app, const struct job *job)
{
	if (app->job.what)
		app->job.end(&app->job, 1);
	app->job = *job;
}

static void job_stop(struct app *app)
{
	struct job job = app->job;
	if (job.firm) {
		app_say(app, "%s: it cannot be stopped any more", job.what);
		return;
	}
	app->job.what = NULL;
	job.end(&job, 1);
}

/* @return whether the job goes on */
static bool job_work(struct app *app)
{
	struct job *job = &app->job;
	struct error err = { 0 };
	if (!job->what)
		return false;
	int rc = job->step(job, &err);
	if (rc > 0)
		return true;
	struct job ended = *job;
	job->what = NULL; /* what comes at the end may begin the next */
	ended.end(&ended, rc);
	if (rc < 0)
		app_fail(app, &err);
	return job->what != NULL;
}

/* Of what is in front. */
static bool view_work(struct app *app)
{
	struct view *v = app_view(app);
	const struct process *p = app->page->process;
	if (!v->opened || !v->state)
		return false;
	return (v->ops->idle && v->ops->idle(v)) || (p && facts_step(app->facts, p));
}

bool app_work(struct app *app, int ms)
{
	int64_t until = app_now_ms() + ms;
	bool more;
	do {
		more = job_work(app);
		more |= view_work(app);
	} while (more && app_now_ms() < until);
	return more;
}

void app_settle(struct app *app)
{
	do {
		app_draw(app);
	} while (app_work(app, 1000));
	app_draw(app);
}

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
	page_pop(app);
	app_open_process(app, checkpoint_process(app->cp, step < 0 ? at - 1 : at + 1));
	tab_select(app, tab);
}

static void back(struct app *app, struct view *v)
{
	if (app->job.what)
		job_stop(app);
	else if (v->working && v->ops->act && v->state && v->ops->act(v, ACT_STOP))
		;
	else if (app->search) {
		free(app->search);
		app->search = NULL;
	} else if (v->filter)
		app_filter(v, "");
	else if (app->page->below)
		page_pop(app);
}

static void leave(struct app *app, uint32_t key)
{
	if (key == KEY_CTRL('C') && app->job.what)
		job_stop(app);
	else
		quit(app);
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
		page_pop(app);
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

int app_resize(struct app *app, int width, int height)
{
	app->redraw = true;
	return canvas_resize(&app->canvas, width, height);
}

/* Everything that was read from the set. */
static void set_close(struct app *app)
{
	app_job(app, &(struct job){ 0 });
	while (app->page) {
		struct page *page = app->page;
		app->page = page->below;
		page_free(page);
	}
	memory_drop(app);
	facts_free(app->facts);
	file_describer_free(app->files);
	checkpoint_close(app->cp);
	source_close(app->src);
	checkpoint_close(app->other.cp);
	source_close(app->other.src);
	app->other.cp = NULL;
	app->other.src = NULL;
	app->facts = NULL;
	app->files = NULL;
	app->cp = NULL;
	app->src = NULL;
	app->damage.code = 0;
}

void app_free(struct app *app)
{
	if (!app)
		return;
	set_close(app);
	edits_free(app);
	canvas_fini(&app->canvas);
	strbuf_fini(&app->prompt.text);
	strbuf_fini(&app->message);
	strbuf_fini(&app->target);
	strbuf_fini(&app->clipboard);
	free(app->search);
	free(app);
}

static int set_open(struct app *app, struct error *err)
{
	const struct process *p = NULL;
	int rc = source_open_damaged(app->options.path, &app->src, &app->damage, err);
	if (rc == 0)
		rc = checkpoint_open_damaged(app->src, &app->cp, &app->damage, err);
	if (rc == 0 && app->options.pid)
		rc = checkpoint_pick(app->cp, app->options.pid, &p, err);
	if (rc == 0)
		rc = facts_new(app->cp, &app->facts, err);
	if (rc < 0)
		return rc;
	page_push(app, page_new(app, checkpoint_tabs, tabs_count(checkpoint_tabs), NULL));
	if (app->page && p)
		app_open_process(app, p);
	if (app->page && app->options.diff)
		app_open(app, &view_diff, NULL, NULL);
	return app->page ? 0 : error_set(err, ENOMEM, "out of memory");
}

int app_reopen(struct app *app, struct error *err)
{
	size_t nr = edits_count(app);
	app->reopen = false;
	edits_free(app);
	set_close(app);
	int rc = set_open(app, err);
	if (rc == 0)
		app_say(app, "%zu change%s written", nr, nr == 1 ? "" : "s");
	return rc;
}

int app_new(const struct app_options *options, struct app **out, struct error *err)
{
	struct app *app = calloc(1, sizeof(*app));
	if (!app)
		return error_set(err, ENOMEM, "out of memory");
	app->options = *options;
	int rc = set_open(app, err);
	if (rc == 0 && app_resize(app, 80, 24) < 0)
		rc = error_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		app_free(app);
	else
		*out = app;
	return rc;
}
