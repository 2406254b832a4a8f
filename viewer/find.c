/* SPDX-License-Identifier: MIT
 * Finding bytes and texts: a piece at a time, with what was found so far on the screen.
 */
#include "viewer/find.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/describe/process.h"
#include "convert/memory/printable.h"
#include "viewer/app.h"
#include "viewer/hex.h"
#include "viewer/pattern.h"
#include "viewer/scan.h"
#include "viewer/views.h"

enum { FOUND_MAX = 100000, BEFORE = 12, KEPT = 60, TEXT_MIN = 6 };

struct found {
	const struct process *process;
	uint64_t at;
	uint32_t len;         /* of the match */
	uint8_t before, kept; /* bytes before it, from these on */
	unsigned char bytes[KEPT];
};

struct find_arg {
	struct pattern *pattern;       /* NULL: printable texts */
	const struct process *process; /* NULL: of all */
	size_t mode;
	char text[];
};

struct find {
	struct found *items;
	size_t nr, cap;
	size_t process;         /* in the tree, being searched */
	struct memory *opening; /* its memory, until it is ready; NULL: it is */
	struct scan scan;
	uint64_t at, end; /* in its memory */
	bool started;
	struct error trouble; /* code < 0: the first that could not be read */
};

static struct find *find_of(struct view *v)
{
	return v->state;
}

static const struct find_arg *arg_of(const struct view *v)
{
	return v->arg;
}

static int found_add(struct view *v, size_t offset, size_t len, struct error *err)
{
	struct find *f = v->state;
	struct found *found = array_add(f);
	if (!found)
		return error_set(err, ENOMEM, "out of memory");
	found->process = f->scan.bytes->process;
	found->at = f->scan.at + offset;
	found->len = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
	/* a text is whole, a match says more with what is around it */
	size_t before = !arg_of(v)->pattern ? 0 : offset < BEFORE ? offset : BEFORE;
	size_t kept = arg_of(v)->pattern ? f->scan.len + f->scan.more - offset + before : len;
	found->before = (uint8_t)before;
	found->kept = (uint8_t)(kept < KEPT ? kept : KEPT);
	memcpy(found->bytes, f->scan.buf + offset - before, found->kept);
	return 0;
}

static int matches_add(struct view *v, struct error *err)
{
	struct find *f = v->state;
	size_t from = 0, start, n;
	while (f->nr < FOUND_MAX &&
	       scan_next(&f->scan, arg_of(v)->pattern, &from, &start, &n, err)) {
		if (found_add(v, start, n, err) < 0)
			return -ENOMEM;
	}
	return f->scan.failed ? -EIO : 0;
}

/* @param last  nothing follows; else a text that goes on is left for the next piece */
static int texts_add(struct view *v, bool last, struct error *err)
{
	struct find *f = v->state;
	struct scan *scan = &f->scan;
	for (size_t i = 0; i < scan->len && f->nr < FOUND_MAX;) {
		i += printable_none(scan->buf + i, scan->len - i, TEXT_MIN);
		size_t len = printable_run(scan->buf + i, scan->len - i);
		if (i + len == scan->len && !last && i > 0) {
			scan->len = i;
			return 0;
		}
		if (len >= TEXT_MIN && found_add(v, i, len, err) < 0)
			return -ENOMEM;
		i += len + 1;
	}
	return 0;
}

static void trouble_keep(struct find *f, const struct error *err)
{
	if (f->trouble.code == 0)
		f->trouble = *err;
}

static void memory_shut(struct view *v)
{
	struct find *f = v->state;
	struct bytes *b = f->scan.bytes;
	memory_unref(v->app, f->opening);
	f->opening = NULL;
	if (!b)
		return;
	if (b->trouble.code < 0)
		trouble_keep(f, &b->trouble);
	b->ops->close(b);
	f->scan.bytes = NULL;
}

/* Begin with the next process that has memory. @return false: there is none */
static bool process_next(struct view *v, struct job *job)
{
	struct find *f = v->state;
	const struct process *only = arg_of(v)->process;
	struct error err;
	memory_shut(v);
	while (!f->opening) {
		if (f->started && only)
			return false;
		if (!only && f->process >= checkpoint_nr_processes(v->app->cp))
			return false;
		const struct process *p = only ?: checkpoint_process(v->app->cp, f->process++);
		f->started = true;
		job->done++;
		int rc = memory_begin(v->app, p, &f->opening, &err);
		if (rc < 0 && rc != -ENOENT)
			trouble_keep(f, &err); /* but for zombies, which have none */
	}
	f->at = f->end = 0;
	return true;
}

/* @return 1 go on; 0 there is no more */
static int memory_open_step(struct view *v, struct job *job)
{
	struct find *f = v->state;
	struct error err;
	int rc = memory_step(f->opening, &err);
	if (rc > 0)
		return 1;
	if (rc == 0)
		rc = bytes_of_memory(v->app, f->opening->process, &f->scan.bytes, &err);
	if (rc < 0) {
		trouble_keep(f, &err);
		return process_next(v, job);
	}
	memory_unref(v->app, f->opening);
	f->opening = NULL;
	return 1;
}

static int find_step(struct job *job, struct error *err)
{
	struct view *v = job->view;
	struct find *f = v->state;
	uint64_t start;
	if (f->nr >= FOUND_MAX)
		return 0;
	if (f->opening)
		return memory_open_step(v, job);
	if (!f->scan.bytes)
		return process_next(v, job);
	if (f->at >= f->end) {
		if (!f->scan.bytes->ops->data(f->scan.bytes, f->at, &start, &f->end))
			return process_next(v, job);
		f->at = start;
	}
	scan_load(&f->scan, f->at, f->end);
	int rc = arg_of(v)->pattern ? matches_add(v, err)
				    : texts_add(v, f->at + f->scan.len >= f->end, err);
	f->at += f->scan.len;
	return rc < 0 ? rc : 1;
}

static void find_end(struct job *job, int rc)
{
	struct view *v = job->view;
	struct find *f = v->state;
	memory_shut(v);
	if (rc < 0)
		return;
	app_say(v->app, "%s%zu found%s%s",
		rc == 1              ? "stopped: "
		: f->nr >= FOUND_MAX ? "the first "
				     : "",
		f->nr, f->trouble.code < 0 ? ", but some cannot be read: " : "",
		f->trouble.code < 0 ? f->trouble.text : "");
}

static int find_open(struct view *v, struct error *err)
{
	struct find *f = v->state;
	if (scan_init(&f->scan, NULL, arg_of(v)->pattern) < 0)
		return error_set(err, ENOMEM, "out of memory");
	app_job(v->app, &(struct job){
			    .what = "searching processes",
			    .view = v,
			    .total = arg_of(v)->process ? 0 : checkpoint_nr_processes(v->app->cp),
			    .step = find_step,
			    .end = find_end });
	return 0;
}

static void find_close(struct view *v)
{
	struct find_arg *arg = v->arg;
	free(find_of(v)->items);
	scan_fini(&find_of(v)->scan);
	pattern_free(arg->pattern);
	free(arg);
}

static size_t find_rows(struct view *v)
{
	return find_of(v)->nr;
}

static const struct column columns[] = {
	{ "PID", 7, true, 60 },
	{ "ADDRESS", 16, true, 0 },
	{ "BYTES", 6, true, 0 },
	{ "WHAT", 0, false, 0 },
};

static void around_add(const unsigned char *bytes, size_t len, struct line *line)
{
	line_style(line, ST_DIM);
	for (size_t i = 0; i < len; i++)
		line_printf(line, "%c",
			    is_printable(bytes[i]) && bytes[i] != '\t' ? bytes[i] : '.');
}

static void find_row(struct view *v, size_t i, struct line *line)
{
	const struct found *found = &find_of(v)->items[i];
	line_cellf(line, ST_NUMBER, "%u", found->process->pid);
	line_cellf(line, ST_LINK, "%" PRIx64, found->at);
	line_cellf(line, ST_NORMAL, "%u", found->len);
	line_rest(line);
	size_t end = found->before + (size_t)found->len;
	end = end < found->kept ? end : found->kept;
	if (arg_of(v)->pattern)
		line_printf(line, "%*s", BEFORE - found->before, "");
	around_add(found->bytes, found->before, line);
	line_style(line, ST_STRING);
	line_bytes(line, found->bytes + found->before, end - found->before);
	if (end - found->before < found->len)
		line_plain(line, "…");
	around_add(found->bytes + end, found->kept - end, line);
}

static bool find_act(struct view *v, enum action action)
{
	size_t row = view_current(v);
	if (action != ACT_OPEN || row == SIZE_MAX)
		return false;
	const struct found *found = &find_of(v)->items[row];
	hex_open_memory(v->app, found->process, found->at, found->len);
	return true;
}

static void find_title(struct view *v, struct line *line)
{
	const struct find_arg *arg = arg_of(v);
	line_plain(line, arg->pattern ? "Found: " : "Texts");
	if (arg->pattern) {
		line_printf(line, "%s ", pattern_modes[arg->mode]);
		line_str(line, arg->text);
	}
	if (arg->process)
		line_printf(line, " in the memory of %u", arg->process->pid);
	else
		line_plain(line, " in the memory of all processes");
}

static void find_footer(struct view *v, struct line *line)
{
	line_style(line, ST_DIM);
	line_printf(line, " %zu/%zu", view_rows(v) ? v->cursor + 1 : 0, view_rows(v));
}

static void find_command(struct view *v, struct strbuf *out)
{
	const struct find_arg *arg = arg_of(v);
	strbuf_str(out, arg->pattern ? "grep " : "strings ");
	if (arg->pattern) {
		strbuf_printf(out, "%s ", pattern_option(arg->mode));
		command_word(arg->text, out);
		strbuf_char(out, ' ');
	} else {
		strbuf_printf(out, "-n %d ", TEXT_MIN);
	}
	if (arg->process)
		strbuf_printf(out, "-p %u ", arg->process->pid);
	strbuf_str(out, "{}");
}

const struct view_ops view_found = {
	.name = "found",
	.nothing = "nothing found",
	.places = IN_LIST,
	.state_size = sizeof(struct find),
	.columns = columns,
	.nr_columns = ARRAY_SIZE(columns),
	.open = find_open,
	.close = find_close,
	.rows = find_rows,
	.row = find_row,
	.act = find_act,
	.title = find_title,
	.footer = find_footer,
	.command = find_command,
};

static void find_start(struct app *app, const struct process *p, const char *text, size_t mode,
		       struct pattern *pattern)
{
	struct find_arg *arg = calloc(1, sizeof(*arg) + strlen(text) + 1);
	if (!arg) {
		pattern_free(pattern);
		app_say(app, "out of memory");
		return;
	}
	arg->pattern = pattern;
	arg->process = p;
	arg->mode = mode;
	strcpy(arg->text, text);
	app_open(app, &view_found, p, arg);
}

static void find_typed(struct view *v, const char *text, size_t mode)
{
	struct error err;
	struct pattern *pattern;
	if (!*text)
		return;
	if (pattern_typed(text, mode, &pattern, &err) < 0)
		app_fail(v->app, &err);
	else
		find_start(v->app, v->process, text, mode, pattern);
}

void find_ask(struct view *v)
{
	app_ask(v->app,
		&(struct prompt){ .label = v->process ? "Find in this process "
						      : "Find in all processes ",
				  .modes = pattern_modes,
				  .view = v,
				  .done = find_typed },
		NULL);
}

void strings_ask(struct view *v)
{
	find_start(v->app, v->process, "", 0, NULL);
}
