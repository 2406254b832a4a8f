/* SPDX-License-Identifier: MIT
 * crit convert: page maps for readers of another version.
 */
#include <string.h>

#include "base/array.h"
#include "convert/store/forms.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "crit/sink-arg.h"

struct convert_opts {
	struct sink_opts sink;
	const char *to;
};

static const struct arg_row rows[] = {
	{ 0, "to", "4.2|legacy", "how pages are counted: nr_pages, or compat_nr_pages alone",
	  ARG_STRING, offsetof(struct convert_opts, to), 0, NULL },
	SINK_ROWS(struct convert_opts, sink),
};

static void report(void *arg, const char *name, const char *what)
{
	strbuf_printf(arg, "%s: %s\n", name, what);
}

static int convert_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	struct convert_opts *o = opts;
	auto_source src = NULL;
	auto_sink sink = NULL;
	auto_progress progress = { 0 };
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	if (!o->to || (strcmp(o->to, "4.2") && strcmp(o->to, "legacy")))
		return error_set(err, EUSAGE, "--to wants 4.2 or legacy");
	o->sink.place_of_source = true;
	progress_start(&progress, "copying", 0);
	int rc = source_arg_open(operands[0], &src, err);
	if (rc == 0)
		rc = sink_arg_open(&o->sink, src, operands[0], &progress, &sink, err);
	if (rc < 0)
		return rc;
	auto_strbuf said = { 0 };
	const struct set_job job = { .src = src, .sink = sink, .report = report, .arg = &said };
	rc = set_convert_counts(&job, strcmp(o->to, "4.2") ? COUNTS_LEGACY : COUNTS_4_2, err);
	return rc < 0 ? rc : sink_arg_commit(&o->sink, operands[0], src, sink, &said, err);
}

const struct command cmd_convert = {
	.name = "convert",
	.group = GROUP_CONVERT,
	.args = "--to 4.2|legacy [-o OUT|--in-place] SRC",
	.summary = "page maps for CRIU 4.2, or for readers before it",
	.detail = "Without -o the new set takes the place of SRC.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct convert_opts),
	.run = convert_run,
};
