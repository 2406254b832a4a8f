/* SPDX-License-Identifier: MIT
 * crit export: checkpoints as tables.
 */
#include <unistd.h>

#include "base/array.h"
#include "convert/export/export.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"

struct export_opts {
	const char *sqlite;
	bool ndjson;
};

static const struct arg_row rows[] = {
	{ 0, "sqlite", "FILE", "make a SQLite database of it", ARG_PATH,
	  offsetof(struct export_opts, sqlite), 0, NULL },
	{ 0, "ndjson", NULL, "print a JSON object per row, one a line", ARG_FLAG,
	  offsetof(struct export_opts, ndjson), 0, NULL },
};

/* @return 0; 1 not all of it; -errno */
static int export_one(const char *path, uint64_t number, bool several, struct row_writer *w,
		      struct error *err)
{
	auto_checkpoint_arg arg = { 0 };
	int rc = checkpoint_arg_open_passing(path, &arg, err);
	arg.several = several;
	if (rc == 0)
		rc = export_checkpoint(arg.cp, number, w, err);
	return checkpoint_arg_end(&arg, &cmd_export, rc, err);
}

static int export_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct export_opts *o = opts;
	if (nr_operands < 1)
		return error_set(err, EUSAGE, "want at least one checkpoint");
	if (o->ndjson == (o->sqlite != NULL))
		return error_set(err, EUSAGE, "want either --sqlite or --ndjson");
	auto_row_writer w = NULL;
	bool damaged = false;
	int rc = o->sqlite ? sqlite_writer_open(o->sqlite, &w, err)
			   : ndjson_writer_open(STDOUT_FILENO, "standard output", &w, err);
	for (int i = 0; rc >= 0 && i < nr_operands; i++) {
		rc = export_one(operands[i], (uint64_t)i + 1, nr_operands > 1, w, err);
		damaged |= rc == 1;
	}
	if (rc >= 0)
		rc = row_writer_commit(w, err);
	return rc < 0 ? rc : damaged;
}

const struct command cmd_export = {
	.name = "export",
	.group = GROUP_CONVERT,
	.args = "--sqlite FILE|--ndjson SRC...",
	.summary = "processes, memory, files, sockets… of checkpoints as tables",
	.detail =
	    "SRC are directories or archives; the column \"checkpoint\" of every table says "
	    "which,\n"
	    "from 1. docs/export.md describes the tables. A database replaces FILE when it is\n"
	    "complete; NDJSON goes to standard output as it is found.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct export_opts),
	.run = export_run,
};
