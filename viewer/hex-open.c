/* SPDX-License-Identifier: MIT
 * Pages of bytes are opened.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "viewer/app.h"
#include "viewer/hex-parts.h"
#include "viewer/hex.h"
#include "viewer/views.h"

static void page_open(struct app *app, struct bytes *b, uint64_t at, uint64_t match)
{
	struct hex_arg *arg = malloc(sizeof(*arg));
	uint64_t start, end;
	if (!arg || !b->ops->stretch(b, 0, &start, &end)) {
		app_say(app, arg ? "there are no bytes" : "out of memory");
		b->ops->close(b);
		free(arg);
		return;
	}
	*arg = (struct hex_arg){ b, at, match };
	app_open(app, &view_hex, b->process, arg);
	if (app_view(app)->arg == arg)
		hex_other_begin(app_view(app), false);
}

void hex_open(struct app *app, struct bytes *b, uint64_t at)
{
	page_open(app, b, at, 0);
}

enum trust { AREA_IS_THERE, A_POINTER, TYPED };

/* Memory that is to be looked at once it is open. */
struct opening {
	struct memory *memory;
	uint64_t at, match;
	enum trust trust;
};

/* The memory is ready, so this takes no time. */
static void memory_show(struct app *app, const struct opening *o)
{
	struct error err;
	struct bytes *b;
	if (bytes_of_memory(app, o->memory->process, &b, &err) < 0) {
		app_fail(app, &err);
		return;
	}
	if (o->trust != AREA_IS_THERE && !bytes_have(b, o->at)) {
		if (o->trust == TYPED)
			app_say(app, "nothing is at %#" PRIx64, o->at);
		else
			app_say(app, "%#" PRIx64 " points to no memory of this process", o->at);
		b->ops->close(b);
		return;
	}
	page_open(app, b, o->at, o->match);
}

static int opening_step(struct job *job, struct error *err)
{
	return memory_step(((struct opening *)job->arg)->memory, err);
}

static void opening_end(struct job *job, int rc)
{
	struct opening *o = job->arg;
	struct app *app = job->view->app;
	if (rc == 0)
		memory_show(app, o);
	memory_unref(app, o->memory);
	free(o);
}

static void memory_open(struct app *app, const struct process *p, uint64_t at, uint64_t match,
			enum trust trust)
{
	struct error err;
	struct opening *o = calloc(1, sizeof(*o));
	if (!o) {
		app_say(app, "out of memory");
		return;
	}
	*o = (struct opening){ .at = at, .match = match, .trust = trust };
	int rc = memory_begin(app, p, &o->memory, &err);
	if (rc < 0) {
		app_fail(app, &err);
		free(o);
		return;
	}
	struct job job = { .what = "reading areas",
			   .view = app_view(app),
			   .step = opening_step,
			   .end = opening_end,
			   .arg = o };
	if (o->memory->ready)
		opening_end(&job, 0);
	else
		app_job(app, &job);
}

void hex_open_memory(struct app *app, const struct process *p, uint64_t at, uint64_t match)
{
	memory_open(app, p, at, match, AREA_IS_THERE);
}

void hex_follow(struct app *app, const struct process *p, uint64_t at)
{
	memory_open(app, p, at, 0, A_POINTER);
}

void hex_go_to(struct app *app, const struct process *p, uint64_t at)
{
	memory_open(app, p, at, 0, TYPED);
}
