/* SPDX-License-Identifier: MIT
 * Views of documents that the rooms below write.
 */
#include "base/array.h"
#include "convert/inspect/inspect.h"
#include "viewer/app.h"
#include "viewer/sheet.h"
#include "viewer/views.h"

static int inspect_write(struct view *v, unsigned sections, struct doc *doc, struct error *err)
{
	struct inspect_options options = { .sections = sections, .only = v->process };
	return inspect_checkpoint(v->app->cp, &options, doc, err);
}

static int overview_write(struct view *v, struct doc *doc, struct error *err)
{
	return inspect_write(v, INSPECT_METADATA | INSPECT_STATS, doc, err);
}

static int overview_open(struct view *v, struct error *err)
{
	return sheet_write(v, overview_write, err);
}

static void overview_command(struct view *v, struct strbuf *out)
{
	(void)v;
	strbuf_str(out, "inspect --metadata --stats {}");
}

const struct view_ops view_overview = {
	.name = "overview",
	.places = IN_LIST | IN_FOLDS,
	.state_size = sizeof(struct sheet),
	.open = overview_open,
	.close = sheet_close,
	.rows = sheet_rows,
	.row = sheet_row,
	.act = sheet_act,
	.command = overview_command,
};

int keymap_write(struct doc *doc, struct error *err)
{
	static const struct doc_column columns[] = { { "keys", "KEYS", DOC_LEFT },
						     { "does", "WHAT THEY DO", DOC_LEFT } };
	const char *group = NULL;
	for (size_t i = 0; i < nr_key_rows; i++) {
		auto_strbuf names = { 0 };
		if (key_rows[i].group != group) {
			if (group)
				doc_end(doc);
			group = key_rows[i].group;
			doc_table(doc, group, group, columns, ARRAY_SIZE(columns));
		}
		if (key_row_text(&key_rows[i], &names) < 0)
			return error_set(err, ENOMEM, "out of memory");
		doc_row(doc);
		doc_str(doc, NULL, NULL, names.data);
		doc_str(doc, NULL, NULL, key_rows[i].help);
	}
	doc_end(doc);
	return 0;
}

static int help_write(struct view *v, struct doc *doc, struct error *err)
{
	(void)v;
	return keymap_write(doc, err);
}

static int help_open(struct view *v, struct error *err)
{
	return sheet_write(v, help_write, err);
}

static void help_title(struct view *v, struct line *line)
{
	(void)v;
	line_plain(line, "Keys. q goes back; / searches here, too");
}

const struct view_ops view_help = {
	.name = "help",
	.places = IN_LIST | IN_FOLDS,
	.state_size = sizeof(struct sheet),
	.open = help_open,
	.close = sheet_close,
	.rows = sheet_rows,
	.row = sheet_row,
	.act = sheet_act,
	.title = help_title,
};
