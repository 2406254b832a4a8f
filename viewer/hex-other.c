/* SPDX-License-Identifier: MIT
 * The same memory in the checkpoint that this one is compared with.
 */
#include "viewer/hex-parts.h"

#include <inttypes.h>
#include <stdlib.h>

#include "viewer/app.h"

/* Memory of the other checkpoint that is being read. */
struct other_opening {
	uint32_t pid;
	bool asked;                    /* to be shown, not only to be compared with */
	const struct process *process; /* NULL: its checkpoint comes first */
	struct memory *memory;
};

/* @return 0 also when it was open already */
static int checkpoint_need(struct app *app, struct error *err)
{
	if (app->other.cp)
		return 0;
	int rc = app->other.src ? 0 : source_open(app->options.diff, &app->other.src, err);
	if (rc == 0)
		app_say_choice(app, app->options.diff, app->other.src);
	if (rc < 0)
		return rc;
	source_pass_damage(app->other.src, &app->passed);
	return checkpoint_open(app->other.src, &app->other.cp, err);
}

static void swap(struct hex *h)
{
	struct bytes *shown = h->bytes;
	h->bytes = h->other;
	h->other = shown;
	h->match = 0;
}

void hex_swap(struct view *v)
{
	struct hex *h = v->state;
	if (!h->other)
		hex_other_begin(v, true);
	else if (bytes_have(h->other, h->at))
		swap(h);
	else
		app_say(v->app, "nothing is at %#" PRIx64 " in %s", h->at,
			h->bytes->other ? v->app->options.path : v->app->options.diff);
}

static int opening_step(struct job *job, struct error *err)
{
	struct other_opening *o = job->arg;
	struct app *app = job->view->app;
	if (o->process)
		return memory_step(o->memory, err);
	int rc = checkpoint_need(app, err);
	const struct process *p = rc < 0 ? NULL : checkpoint_find(app->other.cp, o->pid);
	if (rc == 0 && !p)
		rc = error_set(err, ENOENT, "%s has no process %u", app->options.diff, o->pid);
	if (rc == 0)
		rc = memory_begin(app, p, &o->memory, err);
	if (rc < 0)
		return rc;
	o->process = p;
	return 1;
}

static void opening_end(struct job *job, int rc)
{
	struct other_opening *o = job->arg;
	struct view *v = job->view;
	struct hex *h = v->state;
	struct error err;
	if (rc == 0 && bytes_of_memory(v->app, o->process, &h->other, &err) < 0)
		app_fail(v->app, &err);
	if (h->other && o->asked) {
		hex_swap(v);
	} else if (h->other && !bytes_have(h->bytes, h->wanted) &&
		   bytes_have(h->other, h->wanted)) {
		swap(h); /* what it was opened for is only there */
		h->at = h->wanted;
	}
	memory_unref(v->app, o->memory);
	free(o);
}

void hex_other_begin(struct view *v, bool asked)
{
	const struct hex *h = v->state;
	struct app *app = v->app;
	if (!app->options.diff || !h->bytes->memory) {
		if (asked)
			app_say(app,
				app->options.diff
				    ? "only memory is compared"
				    : "there is nothing to compare with: crit view A --diff B");
		return;
	}
	struct other_opening *o = calloc(1, sizeof(*o));
	if (!o) {
		app_say(app, "out of memory");
		return;
	}
	o->pid = h->bytes->process->pid;
	o->asked = asked;
	app_job(app, &(struct job){ .what = "reading the other checkpoint",
				    .view = v,
				    .step = opening_step,
				    .end = opening_end,
				    .arg = o });
}

void hex_row_compare(const struct hex *h, struct hex_row *row)
{
	uint8_t bytes[HEX_ROW_MAX], known[HEX_ROW_MAX];
	if (!h->other || h->other->ops->read(h->other, row->at, bytes, row->len, known, NULL) < 0)
		return;
	for (size_t i = 0; i < row->len; i++)
		row->differs[i] = row->known[i] != known[i] || row->bytes[i] != bytes[i];
}
