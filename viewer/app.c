/* SPDX-License-Identifier: MIT
 * The application: its life, its pages, its work.
 */
#include "viewer/app.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "viewer/app-parts.h"
#include "viewer/edits.h"
#include "viewer/facts.h"
#include "viewer/memory.h"
#include "viewer/page.h"
#include "viewer/trail.h"
#include "viewer/views.h"

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

void app_note(struct app *app, const struct error *err)
{
	damage_noted(app->src, err->code, err);
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

static void quit_wanted(struct view *v)
{
	v->app->quit = true;
}

void app_quit(struct app *app)
{
	if (!edits_count(app))
		app->quit = true;
	else
		app_confirm(app_view(app), "Leave, and lose the changes that wait?", quit_wanted,
			    "R shows what waits, W there writes it");
}

void app_close(struct app *app)
{
	struct page *page = app->page;
	if (!page->below) {
		app_quit(app);
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

void app_job_stop(struct app *app)
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
	int64_t until = clock_ms() + ms;
	bool more;
	do {
		more = job_work(app);
		more |= view_work(app);
	} while (more && clock_ms() < until);
	return more;
}

void app_settle(struct app *app)
{
	do {
		app_draw(app);
	} while (app_work(app, 1000));
	app_draw(app);
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
	damage_list_fini(&app->passed);
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
	int rc = source_open_damaged(app->options.path, &app->src, &app->damage, err);
	if (rc < 0)
		return rc;
	source_pass_damage(app->src, &app->passed);
	app_note(app, &app->damage);
	rc = checkpoint_open_images(app->src, &app->cp, err);
	if (app->passed.nr)
		error_set(&app->damage, EBADMSG, "%s", app->passed.items[0]);
	if (rc == 0)
		rc = facts_new(app->cp, &app->facts, err);
	if (rc < 0)
		return rc;
	page_push(app, page_new(app, checkpoint_tabs, tabs_count(checkpoint_tabs), NULL));
	return app->page ? 0 : error_set(err, ENOMEM, "out of memory");
}

void app_say_choice(struct app *app, const char *path, const struct source *src)
{
	const char *choice = source_choice(src);
	if (choice)
		app_say(app, "several sets are in %s: this is %s", path, choice);
}

/* Where the options say to begin. */
static int set_enter(struct app *app, struct error *err)
{
	const struct process *p = NULL;
	int rc = app->options.pid ? checkpoint_pick(app->cp, app->options.pid, &p, err) : 0;
	if (rc < 0)
		return rc;
	if (p)
		app_open_process(app, p);
	if (app->options.diff)
		app_open(app, &view_diff, NULL, NULL);
	app_say_choice(app, app->options.path, app->src);
	return 0;
}

int app_reopen(struct app *app, struct error *err)
{
	size_t nr = edits_count(app);
	struct trail *trail = trail_take(app);
	app->reopen = false;
	edits_free(app);
	set_close(app);
	int rc = set_open(app, err);
	trail_go(app, trail);
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
	if (rc == 0)
		rc = set_enter(app, err);
	if (rc == 0 && app_resize(app, 80, 24) < 0)
		rc = error_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		app_free(app);
	else
		*out = app;
	return rc;
}
