/* SPDX-License-Identifier: MIT
 * What differs from another checkpoint. Each row leads to what it is about.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/describe/process.h"
#include "convert/diff/diff.h"
#include "viewer/hex.h"
#include "viewer/table.h"
#include "viewer/views.h"

/* The other checkpoint is opened by the process that compares. */
static int diff_run(struct view *v, struct doc *doc, struct error *err)
{
	auto_source src = NULL;
	auto_checkpoint cp = NULL;
	const struct diff_options how = { .sections = (1u << NR_DIFF_SECTIONS) - 1,
					  .pages = true,
					  .hexdump = true };
	int rc = source_open(v->app->options.diff, &src, err);
	if (rc < 0)
		return rc;
	source_pass_damage(src, source_damage(v->app->src));
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

static const struct column columns[] = {
	{ "", 1, false, 0, 0 },        { "SECTION", 10, false, 100, 0 },
	{ "PID", 7, true, 0, 0 },      { "OBJECT", 18, false, 0, 30 },
	{ "FIELD", 24, false, 0, 70 }, { "A → B", 0, false, 0, 0 },
};

static int diff_open(struct view *v, struct error *err)
{
	return table_open(v, &diff_table, err);
}

static void diff_row(struct view *v, size_t i, struct line *line)
{
	const char *const *values = table_values(v, i);
	const char *change = values[DIFF_CHANGE] ?: "";
	bool added = !strcmp(change, "added"), removed = !strcmp(change, "removed");
	enum style style = added ? ST_ADDED : removed ? ST_REMOVED : ST_WARN;
	line_cell(line, style, added ? "+" : removed ? "-" : "~");
	line_cell(line, ST_KEY, values[DIFF_SECTION]);
	line_cell(line, ST_NUMBER, values[DIFF_PID]);
	line_cell(line, style, values[DIFF_OBJECT]);
	line_cell_end(line, ST_NAME, values[DIFF_FIELD]);
	line_rest(line);
	line_style(line, ST_REMOVED);
	line_str(line, values[DIFF_A]);
	line_style(line, ST_DIM);
	if (values[DIFF_A] && values[DIFF_B])
		line_plain(line, " → ");
	line_style(line, ST_ADDED);
	line_str(line, values[DIFF_B]);
}

/* Bytes at an address, an image, or the process. */
static bool diff_act(struct view *v, enum action action)
{
	size_t row = view_current(v);
	if (action != ACT_OPEN || row == SIZE_MAX)
		return false;
	const char *const *values = table_values(v, row);
	const struct process *p = table_process(v, values[DIFF_PID]);
	const char *object = values[DIFF_OBJECT];
	char *end = NULL;
	uint64_t at = object ? strtoull(object, &end, 16) : 0;
	if (p && end && end - object > 4 && (!*end || *end == '-' || *end == ' '))
		hex_open_memory(v->app, p, at, 0);
	else if (object && table_image_jump(v, p, object))
		;
	else if (p)
		app_open_process(v->app, p);
	else
		app_say(v->app, "it is only in the other: crit view %s", v->app->options.diff);
	return true;
}

static void diff_command(struct view *v, struct strbuf *out)
{
	strbuf_str(out, "diff --pages --hexdump {} ");
	command_word(v->app->options.diff, out);
}

const struct view_ops view_diff = {
	.name = "diff",
	.nothing = "nothing differs",
	.places = IN_LIST,
	.state_size = sizeof(struct table),
	.columns = columns,
	.nr_columns = ARRAY_SIZE(columns),
	.open = diff_open,
	.close = table_close,
	.rows = table_rows,
	.row = diff_row,
	.footer = table_footer,
	.act = diff_act,
	.command = diff_command,
};
