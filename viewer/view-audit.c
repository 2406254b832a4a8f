/* SPDX-License-Identifier: MIT
 * What an audit finds: of the checkpoint, or of one process. It begins with the finding for what
 * it was asked about.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/audit/audit.h"
#include "viewer/hex.h"
#include "viewer/image.h"
#include "viewer/table.h"
#include "viewer/views.h"

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

static int audit_run(struct view *v, struct doc *doc, struct error *err)
{
	auto_findings found = { 0 };
	const struct audit_options how = { .sysroot = v->app->options.sysroot, .only = v->process };
	int rc = audit_checkpoint(v->app->cp, &how, NULL, &found, err);
	if (rc == 0)
		audit_write(&found, SEV_NOTE, doc);
	return rc;
}

/* The next address in a text ("0x7f00"). @return behind it, or NULL */
static const char *address_next(const char *text, uint64_t *out)
{
	const char *at = text ? strstr(text, "0x") : NULL;
	char *end;
	if (!at)
		return NULL;
	*out = strtoull(at, &end, 16);
	return end;
}

static bool has_address(const char *text, const struct view_object *object)
{
	uint64_t at;
	while ((text = address_next(text, &at))) {
		if (at >= object->start && at < object->end)
			return true;
	}
	return false;
}

/* How well a finding is about an object; 0: it is not. */
static int fits(const char *const *values, const struct view_object *object)
{
	const char *image = values[AUDIT_IMAGE] ?: "";
	for (size_t i = 0; i < ARRAY_SIZE(object->images); i++) {
		if (!object->images[i].name[0] || strcmp(image, object->images[i].name) != 0)
			continue;
		if (object->images[i].entry == SIZE_MAX)
			return 1;
		if (values[AUDIT_ENTRY] &&
		    strtoull(values[AUDIT_ENTRY], NULL, 10) == object->images[i].entry)
			return 3;
	}
	if (object->name[0] && values[AUDIT_OBJECT] && !strcmp(object->name, values[AUDIT_OBJECT]))
		return 2;
	return object->end && (has_address(values[AUDIT_OBJECT], object) ||
			       has_address(values[AUDIT_EVIDENCE], object))
		   ? 2
		   : 0;
}

static void audit_ready(struct view *v)
{
	const struct view_object *object = v->arg;
	int best = 0;
	for (size_t i = 0; object && i < table_rows(v); i++) {
		int score = fits(table_values(v, i), object);
		if (score <= best)
			continue;
		best = score;
		view_move(v, i);
	}
	if (object && object->what[0])
		app_say(v->app, best ? "the finding for %s" : "no finding is about %s",
			object->what);
}

static const struct table_ops audit_table = {
	.what = "auditing, bytes of findings:",
	.list = "findings",
	.keys = { "severity", "rule", "pid", "object", "evidence", "places", "image", "entry" },
	.run = audit_run,
	.ready = audit_ready,
};

static int audit_open(struct view *v, struct error *err)
{
	return table_open(v, &audit_table, err);
}

static const struct column columns[] = {
	{ "SEVERITY", 8, false, 0, 0 }, { "RULE", 18, false, 0, 0 },     { "PID", 7, true, 0, 0 },
	{ "PLACES", 6, true, 90, 0 },   { "IMAGE", 20, false, 120, 30 }, { "WHAT", 0, false, 0, 0 },
};

static void audit_row(struct view *v, size_t i, struct line *line)
{
	const char *const *values = table_values(v, i);
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

/* To the bytes of memory, else to the entry, else to the process. */
static void finding_follow(struct view *v, const char *const *values)
{
	const struct process *p = table_process(v, values[AUDIT_PID]);
	const char *image = values[AUDIT_IMAGE];
	uint64_t at;
	bool memory = image && (!strncmp(image, "pagemap-", 8) || !strncmp(image, "mm-", 3));
	char place[160];
	if (memory && p &&
	    (address_next(values[AUDIT_OBJECT], &at) ||
	     address_next(values[AUDIT_EVIDENCE], &at))) {
		hex_open_memory(v->app, p, at, 0);
	} else if (image && strstr(image, ".img")) {
		snprintf(place, sizeof(place), "%s[%s]", image, values[AUDIT_ENTRY] ?: "0");
		table_image_jump(v, p, place);
	} else if (p) {
		app_open_process(v->app, p);
	} else {
		app_say(v->app, "no image holds this");
	}
}

static bool audit_act(struct view *v, enum action action)
{
	size_t row = view_current(v);
	if (action != ACT_OPEN || row == SIZE_MAX)
		return false;
	finding_follow(v, table_values(v, row));
	return true;
}

static void audit_title(struct view *v, struct line *line)
{
	if (v->process)
		line_printf(line, "Findings of process %u", v->process->pid);
	else
		line_plain(line, "Findings");
}

static void audit_command(struct view *v, struct strbuf *out)
{
	strbuf_str(out, "audit ");
	if (v->process)
		strbuf_printf(out, "-p %u ", v->process->pid);
	strbuf_str(out, "{}");
}

const struct view_ops view_audit = {
	.name = "audit",
	.nothing = "no findings",
	.places = IN_LIST,
	.state_size = sizeof(struct table),
	.columns = columns,
	.nr_columns = ARRAY_SIZE(columns),
	.open = audit_open,
	.close = table_close,
	.rows = table_rows,
	.row = audit_row,
	.footer = table_footer,
	.act = audit_act,
	.title = audit_title,
	.command = audit_command,
};

void audit_show(struct view *about)
{
	struct app *app = about->app;
	struct view_object *object = calloc(1, sizeof(*object));
	if (!object) {
		app_say(app, "out of memory");
		return;
	}
	const char *image = image_view_name(about);
	for (size_t i = 0; i < ARRAY_SIZE(object->images); i++)
		object->images[i].entry = SIZE_MAX;
	if (about->ops->object && about->state)
		about->ops->object(about, object);
	else if (image)
		snprintf(object->images[0].name, sizeof(object->images[0].name), "%s", image);
	app_open(app, &view_audit, about->process, object);
}
