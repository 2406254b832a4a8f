/* SPDX-License-Identifier: MIT
 * Tables that take long to make: what differs from another checkpoint, what an audit finds. Each
 * row leads to what it is about.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/audit/audit.h"
#include "convert/describe/process.h"
#include "convert/diff/diff.h"
#include "convert/json/flat.h"
#include "viewer/bytes.h"
#include "viewer/child.h"
#include "viewer/image.h"
#include "viewer/views.h"

enum { MAX_KEYS = 8 };

/* What a kind of table is. */
struct table_ops {
	const char *what;           /* "comparing" */
	const char *list;           /* member of the document */
	const char *keys[MAX_KEYS]; /* of each row; NULL ends */
	child_run *run;
};

struct table {
	struct child child;
	struct flat flat;
	struct table_row {
		const char *values[MAX_KEYS]; /* borrowed from flat; NULL: none */
	} * items;
	size_t nr, cap;
	char *goal; /* image to go to when it is there; NULL: none */
	bool done;
};

static struct table *table_of(struct view *v)
{
	return v->state;
}

static const struct table_ops *ops_of(const struct view *v);

/* "changes[12].pid" */
static int rows_make(struct view *v, struct error *err)
{
	const struct table_ops *ops = ops_of(v);
	struct table *t = v->state;
	int rc = flat_from_json(t->child.text.data, t->child.text.len, ops->what, &t->flat, err);
	size_t list_len = strlen(ops->list);
	for (size_t i = 0; rc == 0 && i < t->flat.nr; i++) {
		const char *path = t->flat.items[i].path;
		char *end;
		if (strncmp(path, ops->list, list_len) != 0 || path[list_len] != '[')
			continue;
		size_t row = strtoull(path + list_len + 1, &end, 10);
		if (strncmp(end, "].", 2) != 0)
			continue; /* an empty list */
		while (t->nr <= row) {
			if (!array_add(t))
				return error_set(err, ENOMEM, "out of memory");
		}
		for (size_t k = 0; k < MAX_KEYS && ops->keys[k]; k++) {
			if (!strcmp(end + 2, ops->keys[k]) &&
			    strcmp(t->flat.items[i].value, "null") != 0)
				t->items[row].values[k] = t->flat.items[i].value;
		}
	}
	strbuf_fini(&t->child.text);
	return rc;
}

static int table_step(struct job *job, struct error *err)
{
	struct view *v = job->view;
	struct table *t = v->state;
	int rc = child_read(&t->child, err);
	job->done = t->child.text.len;
	if (rc == 0)
		rc = rows_make(v, err);
	if (rc < 0)
		v->error = *err;
	return rc;
}

static void table_end(struct job *job, int rc)
{
	struct table *t = table_of(job->view);
	child_fini(&t->child);
	t->done = rc == 0;
	if (rc == 1)
		app_say(job->view->app, "stopped");
	for (size_t i = 0; rc == 0 && t->goal && i < t->nr; i++) {
		const char *image = t->items[i].values[6];
		if (image && !strcmp(image, t->goal)) {
			view_move(job->view, i);
			break;
		}
	}
}

static int table_open(struct view *v, struct error *err)
{
	struct table *t = v->state;
	t->child.fd = -1;
	t->goal = v->arg;
	int rc = child_start(&t->child, v, ops_of(v)->run, err);
	if (rc < 0)
		return rc;
	app_job(v->app,
		&(struct job){
		    .what = ops_of(v)->what, .view = v, .step = table_step, .end = table_end });
	return 0;
}

static void table_close(struct view *v)
{
	struct table *t = v->state;
	child_fini(&t->child);
	flat_fini(&t->flat);
	free(t->items);
	free(v->arg);
}

static size_t table_rows(struct view *v)
{
	return table_of(v)->nr;
}

/* "mountpoints-12.img[3]": image and entry. @return whether it was one */
static bool image_jump(struct app *app, const struct process *p, const char *object)
{
	const char *bracket = strchr(object, '[');
	char name[128];
	snprintf(name, sizeof(name), "%.*s",
		 (int)(bracket ? bracket - object : (ptrdiff_t)strlen(object)), object);
	if (!strstr(name, ".img"))
		return false;
	image_open_page(app, p, name, bracket ? (size_t)strtoull(bracket + 1, NULL, 10) : SIZE_MAX);
	return true;
}

static const struct process *process_of(struct view *v, const char *pid)
{
	return pid ? checkpoint_find(v->app->cp, (uint32_t)strtoul(pid, NULL, 10)) : NULL;
}

/* To what a row is about: bytes at an address, an image, or the process. */
static void row_follow(struct view *v, const char *pid, const char *object)
{
	const struct process *p = process_of(v, pid);
	char *end = NULL;
	uint64_t at = object ? strtoull(object, &end, 16) : 0;
	if (p && end && end - object > 4 && (!*end || *end == '-' || *end == ' '))
		hex_open_memory(v->app, p, at, 0);
	else if (object && image_jump(v->app, p, object))
		;
	else if (p)
		app_open_process(v->app, p);
	else
		app_say(v->app, "it is not in this checkpoint");
}

static void table_footer(struct view *v, struct line *line)
{
	const struct table *t = v->state;
	line_style(line, ST_DIM);
	if (t->done)
		line_printf(line, " %zu/%zu. Enter goes to it", view_rows(v) ? v->cursor + 1 : 0,
			    view_rows(v));
}

/* Differences. The other checkpoint is opened by the process that compares. */
static int diff_run(struct view *v, struct doc *doc, struct error *err)
{
	auto_source src = NULL;
	auto_checkpoint cp = NULL;
	const struct diff_options how = { .sections = (1u << NR_DIFF_SECTIONS) - 1,
					  .pages = true,
					  .hexdump = true };
	int rc = source_open(v->app->options.diff, &src, err);
	if (rc == 0)
		rc = checkpoint_open(src, &cp, err);
	if (rc == 0)
		rc = diff_checkpoints(v->app->cp, cp, &how, doc, err);
	return rc < 0 ? rc : 0;
}

enum { DIFF_CHANGE, DIFF_SECTION, DIFF_PID, DIFF_OBJECT, DIFF_FIELD, DIFF_A, DIFF_B };

static const struct table_ops diff_table = {
	.what = "comparing, bytes of changes:",
	.list = "changes",
	.keys = { "change", "section", "pid", "object", "field", "a", "b" },
	.run = diff_run,
};

static const struct column diff_columns[] = {
	{ "", 1, false, 0 },        { "SECTION", 10, false, 0 }, { "PID", 7, true, 0 },
	{ "OBJECT", 25, false, 0 }, { "FIELD", 20, false, 100 }, { "A → B", 0, false, 0 },
};

static void diff_row(struct view *v, size_t i, struct line *line)
{
	const char *const *values = table_of(v)->items[i].values;
	const char *change = values[DIFF_CHANGE] ?: "";
	enum style style = !strcmp(change, "added")     ? ST_ADDED
			   : !strcmp(change, "removed") ? ST_REMOVED
							: ST_WARN;
	line_cell(line, style,
		  !strcmp(change, "added")     ? "+"
		  : !strcmp(change, "removed") ? "-"
					       : "~");
	line_cell(line, ST_KEY, values[DIFF_SECTION]);
	line_cell(line, ST_NUMBER, values[DIFF_PID]);
	line_cell(line, style, values[DIFF_OBJECT]);
	line_cell(line, ST_NAME, values[DIFF_FIELD]);
	line_rest(line);
	line_style(line, ST_REMOVED);
	line_str(line, values[DIFF_A]);
	line_style(line, ST_DIM);
	if (values[DIFF_A] && values[DIFF_B])
		line_plain(line, " → ");
	line_style(line, ST_ADDED);
	line_str(line, values[DIFF_B]);
}

static bool diff_act(struct view *v, enum action action)
{
	size_t row = view_current(v);
	if (action != ACT_OPEN || row == SIZE_MAX)
		return false;
	const char *const *values = table_of(v)->items[row].values;
	row_follow(v, values[DIFF_PID], values[DIFF_OBJECT]);
	return true;
}

static void diff_command(struct view *v, struct strbuf *out)
{
	strbuf_str(out, "diff --pages --hexdump {} ");
	shell_word(v->app->options.diff, out);
}

const struct view_ops view_diff = {
	.name = "diff",
	.places = IN_LIST,
	.state_size = sizeof(struct table),
	.columns = diff_columns,
	.nr_columns = ARRAY_SIZE(diff_columns),
	.open = table_open,
	.close = table_close,
	.rows = table_rows,
	.row = diff_row,
	.footer = table_footer,
	.act = diff_act,
	.command = diff_command,
};

/* Findings. */
static int audit_run(struct view *v, struct doc *doc, struct error *err)
{
	auto_findings found = { 0 };
	const struct audit_options how = { .sysroot = v->app->options.sysroot };
	int rc = audit_checkpoint(v->app->cp, &how, NULL, &found, err);
	if (rc == 0)
		audit_write(&found, SEV_NOTE, doc);
	return rc;
}

enum {
	AUDIT_SEVERITY,
	AUDIT_RULE,
	AUDIT_PID,
	AUDIT_OBJECT,
	AUDIT_EVIDENCE,
	AUDIT_PLACES,
	AUDIT_IMAGE,
	AUDIT_ENTRY
};

static const struct table_ops audit_table = {
	.what = "auditing, bytes of findings:",
	.list = "findings",
	.keys = { "severity", "rule", "pid", "object", "evidence", "places", "image", "entry" },
	.run = audit_run,
};

static const struct column audit_columns[] = {
	{ "SEVERITY", 8, false, 0 }, { "RULE", 18, false, 0 },    { "PID", 7, true, 0 },
	{ "PLACES", 6, true, 90 },   { "IMAGE", 20, false, 120 }, { "WHAT", 0, false, 0 },
};

static void audit_row(struct view *v, size_t i, struct line *line)
{
	const char *const *values = table_of(v)->items[i].values;
	const char *severity = values[AUDIT_SEVERITY] ?: "";
	line_cell(line,
		  !strcmp(severity, "error")     ? ST_ERROR
		  : !strcmp(severity, "warning") ? ST_WARN
						 : ST_DIM,
		  severity);
	line_cell(line, ST_KEY, values[AUDIT_RULE]);
	line_cell(line, ST_NUMBER, values[AUDIT_PID]);
	line_cell(line, ST_NORMAL, values[AUDIT_PLACES]);
	line_cell(line, ST_NAME, values[AUDIT_IMAGE]);
	line_rest(line);
	line_style(line, ST_NORMAL);
	line_str(line, values[AUDIT_OBJECT]);
	if (values[AUDIT_OBJECT] && values[AUDIT_EVIDENCE])
		line_plain(line, ": ");
	line_style(line, ST_STRING);
	line_str(line, values[AUDIT_EVIDENCE]);
}

static bool audit_act(struct view *v, enum action action)
{
	size_t row = view_current(v);
	if (action != ACT_OPEN || row == SIZE_MAX)
		return false;
	const char *const *values = table_of(v)->items[row].values;
	char place[160];
	if (values[AUDIT_IMAGE] && strstr(values[AUDIT_IMAGE], ".img") &&
	    strncmp(values[AUDIT_IMAGE], "pages", 5) != 0) {
		snprintf(place, sizeof(place), "%s[%s]", values[AUDIT_IMAGE],
			 values[AUDIT_ENTRY] ?: "0");
		image_jump(v->app, process_of(v, values[AUDIT_PID]), place);
	} else {
		row_follow(v, values[AUDIT_PID], values[AUDIT_OBJECT]);
	}
	return true;
}

static void audit_command(struct view *v, struct strbuf *out)
{
	(void)v;
	strbuf_str(out, "audit {}");
}

const struct view_ops view_audit = {
	.name = "audit",
	.places = IN_LIST,
	.state_size = sizeof(struct table),
	.columns = audit_columns,
	.nr_columns = ARRAY_SIZE(audit_columns),
	.open = table_open,
	.close = table_close,
	.rows = table_rows,
	.row = audit_row,
	.footer = table_footer,
	.act = audit_act,
	.command = audit_command,
};

static const struct table_ops *ops_of(const struct view *v)
{
	return v->ops == &view_diff ? &diff_table : &audit_table;
}
