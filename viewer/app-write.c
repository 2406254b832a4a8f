/* SPDX-License-Identifier: MIT
 * Taking along what is seen: into a file, or as the command that prints it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/replace.h"
#include "convert/describe/process.h"
#include "viewer/app-parts.h"

struct write_job {
	struct replace file;
	struct line line;
	char *path;
	size_t nr; /* rows; 0: not known yet */
	struct view_write what;
};

/* Rows as they are seen, without colours. */
static int rows_write(struct view *v, struct write_job *w, struct error *err)
{
	auto_strbuf text = { 0 };
	if (app_rows_coming(v))
		return 1;
	size_t nr = view_rows(v);
	w->nr = w->nr ?: nr;
	if (w->nr != nr)
		return error_set(err, ECANCELED, "%s is not written: the rows are others now",
				 w->path);
	for (size_t i = 0; i < 256 && w->what.at < nr; i++, w->what.at++) {
		if (v->ops->read && v->ops->read(v, view_index(v, (size_t)w->what.at)))
			break;
		view_compose(v, (size_t)w->what.at, &w->line, 1000);
		size_t len = w->line.text.len;
		while (len && w->line.text.data[len - 1] == ' ')
			len--;
		if (strbuf_add(&text, w->line.text.data ?: "", len) < 0 ||
		    strbuf_char(&text, '\n') < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
	int rc = fd_write_full(w->file.fd, text.data ?: "", text.len);
	return rc < 0 ? error_code(err, rc, "write %s", w->path) : w->what.at < nr;
}

static int write_step(struct job *job, struct error *err)
{
	struct write_job *w = job->arg;
	struct view *v = job->view;
	w->what.fd = w->file.fd;
	int rc = v->ops->write ? v->ops->write(v, &w->what, err) : rows_write(v, w, err);
	job->done = w->what.at;
	if (rc == 0)
		rc = replace_commit(&w->file, err);
	return rc;
}

static void written_say(struct app *app, const struct write_job *w, uint64_t size)
{
	if (w->what.unknown)
		app_say(app,
			"%" PRIu64 " bytes written to %s; %" PRIu64
			" of them are not in the dump: zeros stand there",
			size, w->path, w->what.unknown);
	else
		app_say(app, "%" PRIu64 " bytes written to %s", size, w->path);
}

static void write_end(struct job *job, int rc)
{
	struct write_job *w = job->arg;
	struct stat st;
	if (rc == 1)
		app_say(job->view->app, "stopped: %s is not written", w->path);
	else if (rc == 0 && stat(w->path, &st) == 0)
		written_say(job->view->app, w, (uint64_t)st.st_size);
	replace_close(&w->file);
	line_fini(&w->line);
	free(w->path);
	free(w);
}

static void write_start(struct view *v, const char *path)
{
	struct error err;
	struct write_job *w = calloc(1, sizeof(*w));
	char *copy = strdup(path);
	if (!w || !copy) {
		free(w);
		free(copy);
		app_say(v->app, "out of memory");
		return;
	}
	if (replace_open(path, &w->file, &err) < 0) {
		app_fail(v->app, &err);
		free(w);
		free(copy);
		return;
	}
	w->path = copy;
	app_job(v->app,
		&(struct job){
		    .what = "writing", .view = v, .step = write_step, .end = write_end, .arg = w });
	app_work(v->app, 0); /* what is under the cursor now is meant */
}

static void overwrite(struct view *v)
{
	write_start(v, v->app->target.data);
}

static void path_typed(struct view *v, const char *text, size_t mode)
{
	struct stat st;
	(void)mode;
	if (!*text)
		return;
	if (stat(text, &st) < 0 || !S_ISREG(st.st_mode)) {
		write_start(v, text);
		return;
	}
	strbuf_reset(&v->app->target);
	if (strbuf_str(&v->app->target, text) == 0)
		app_confirm(v, "It exists. Write over it?", overwrite, "nothing written");
}

void app_write_ask(struct view *v)
{
	auto_strbuf name = { 0 };
	int rc = 0;
	if (!v->state || (!view_rows(v) && !v->ops->draw)) {
		app_say(v->app, "there is nothing to write");
		return;
	}
	if (v->ops->write_name)
		v->ops->write_name(v, &name);
	else if (v->process)
		rc = strbuf_printf(&name, "%s-%u.txt", v->ops->name, v->process->pid);
	else
		rc = strbuf_printf(&name, "%s.txt", v->ops->name);
	if (rc == 0)
		app_ask(v->app,
			&(struct prompt){ .label = "Write to", .view = v, .done = path_typed },
			name.data);
}

/* In a quoted word '' means nothing, so braces that are data are not taken for the source. */
int command_word(const char *arg, struct strbuf *out)
{
	auto_strbuf word = { 0 };
	int rc = shell_word(arg, &word);
	const char *at = word.data;
	for (const char *mark; rc == 0 && (mark = strstr(at, "{}")); at = mark + 1) {
		rc = strbuf_add(out, at, (size_t)(mark + 1 - at));
		if (rc == 0)
			rc = strbuf_str(out, "''");
	}
	return rc < 0 ? rc : strbuf_str(out, at);
}

int app_command(struct app *app, struct strbuf *out)
{
	struct view *v = app_view(app);
	auto_strbuf raw = { 0 };
	if (!v->ops->command || !v->state)
		return 0;
	v->ops->command(v, &raw);
	if (!raw.len)
		return 0;
	int rc = strbuf_str(out, "crit ");
	const char *at = raw.data;
	for (const char *mark; rc == 0 && (mark = strstr(at, "{}")); at = mark + 2) {
		rc = strbuf_add(out, at, (size_t)(mark - at));
		if (rc == 0)
			rc = shell_word(app->options.path, out);
	}
	return rc < 0 ? rc : strbuf_str(out, at);
}
