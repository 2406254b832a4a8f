/* SPDX-License-Identifier: MIT
 * Changes are tried and written by another process, as an image may be large.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "images/sink.h"
#include "viewer/child.h"
#include "viewer/edits-parts.h"

enum { AT_ONCE_MS = 6 }; /* what takes no longer is done when the key is */

struct attempt {
	struct child child; /* its text: what the change does; when all is written, that it begins
			       to put the files in place */
	struct source *own; /* of a directory: who looks may follow links, which sinks forbid */
	struct source *src;
	struct sink *sink;
	const struct change **order;
	struct change change; /* that is tried; without an image: all are written */
};

static bool is_trial(const struct attempt *a)
{
	return a->change.image;
}

struct telling {
	const struct edit_op *op; /* that is told of */
	struct strbuf text;
};

static void told(void *arg, const struct edit_op *op, size_t entry, const char *path,
		 const char *old, const char *new)
{
	struct telling *telling = arg;
	(void)entry;
	(void)path;
	if (op == telling->op)
		strbuf_printf(&telling->text, "%s -> %s", old ?: "nothing", new ?: "nothing");
}

/* From here on it is not stopped, nor ended with the browser. */
static int put_in_place(struct sink *sink, int fd, struct error *err)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, 0);
	fd_write_full(fd, ".", 1);
	return sink_commit(sink, err);
}

/* In the other process. */
static int attempt_run(void *arg, int fd, struct error *err)
{
	struct attempt *a = arg;
	auto_sink sink = a->sink;
	struct edit edit = { 0 };
	struct telling telling = { 0 };
	/* in this process alone: who looks may pass over what is broken */
	source_pass_damage(a->src, NULL);
	int rc = 0;
	size_t at = 0;
	for (size_t i = 0; rc == 0 && a->order[i]; i++) {
		const struct change *change = a->order[i];
		at = change == &a->change ? i : at;
		rc = edit_add(&edit, change->delete ? EDIT_DELETE : EDIT_SET, change->text,
			      change->image, err);
	}
	telling.op = is_trial(a) && rc == 0 ? &edit.items[at] : NULL;
	if (rc == 0)
		rc = edit_apply(&edit, a->src, sink, told, &telling, err);
	if (rc == 0 && is_trial(a))
		fd_write_full(fd, telling.text.data ?: "", telling.text.len);
	else if (rc == 0)
		rc = put_in_place(sink, fd, err);
	strbuf_fini(&telling.text);
	edit_fini(&edit);
	return rc;
}

static int attempt_step(struct job *job, struct error *err)
{
	struct attempt *a = job->arg;
	int rc = child_read(&a->child, err);
	if (rc > 0 && !is_trial(a) && a->child.text.len) {
		job->what = "putting the images in place";
		job->firm = true;
	}
	return rc;
}

static void attempt_free(struct attempt *a)
{
	child_fini(&a->child);
	source_close(a->own);
	change_fini(&a->change);
	free(a->order);
	free(a);
}

static void attempt_end(struct job *job, int rc)
{
	struct attempt *a = job->arg;
	struct app *app = job->view->app;
	struct error err;
	bool stopped = rc == 1;
	if (stopped)
		rc = child_stop(&a->child, &err);
	/* files that are half put in place are left to who looks after them */
	if (a->child.died && (is_trial(a) || !a->child.text.len))
		sink_close(a->sink);
	else
		sink_leave(a->sink);
	if (rc == 0 && !is_trial(a)) {
		app->reopen = true; /* everything is another set now */
	} else if (rc == 0 && !stopped) {
		a->change.shown = a->child.text.data ? strdup(a->child.text.data) : NULL;
		edits_keep(app, &a->change);
	} else if (stopped) {
		app_say(app, is_trial(a) ? "stopped: the change is not kept"
					 : "stopped: nothing is written");
	}
	attempt_free(a);
}

static int attempt_open(struct attempt *a, struct app *app, struct error *err)
{
	const char *path = app->options.path;
	int rc = a->order ? 0 : error_set(err, ENOMEM, "out of memory");
	if (rc == 0 && !source_is_archive(app->src))
		rc = source_open(path, &a->own, err);
	a->src = a->own ?: app->src;
	return rc < 0 ? rc : sink_in_place(a->src, path, &a->sink, err);
}

/* @param change  to be tried, given away; NULL: write all */
static void attempt_begin(struct view *v, struct change *change)
{
	struct app *app = v->app;
	struct error err;
	app_job(app, &(struct job){ 0 }); /* an attempt before it ends first */
	struct attempt *a = calloc(1, sizeof(*a));
	if (!a) {
		if (change)
			change_fini(change);
		app_say(app, "out of memory");
		return;
	}
	a->child.fd = -1;
	if (change)
		a->change = *change;
	a->order = edits_order(app->edits, change ? &a->change : NULL);
	int rc = attempt_open(a, app, &err);
	if (rc == 0)
		rc = child_start_plain(&a->child, attempt_run, a, &err);
	if (rc < 0) {
		app_fail(app, &err);
		sink_close(a->sink);
		attempt_free(a);
		return;
	}
	app_job(app, &(struct job){ .what = change ? "trying the change" : "writing the changes",
				    .view = v,
				    .step = attempt_step,
				    .end = attempt_end,
				    .arg = a });
	app_work(app, AT_ONCE_MS);
}

void edits_try(struct view *v, struct change *change)
{
	attempt_begin(v, change);
}

void edits_write(struct view *v)
{
	attempt_begin(v, NULL);
}
