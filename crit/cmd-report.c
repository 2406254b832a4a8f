/* SPDX-License-Identifier: MIT
 * crit report: a checkpoint as an HTML page.
 */
#include "base/array.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "crit/report-file.h"

struct report_opts {
	const char *out;
	uint32_t pid;
};

static const struct arg_row rows[] = {
	{ 'o', "out", "FILE", "where to write; default: standard output", ARG_PATH,
	  offsetof(struct report_opts, out), 0, NULL },
	{ 'p', "pid", "PID", "only this process and its descendants", ARG_PID,
	  offsetof(struct report_opts, pid), 0, NULL },
};

static int report_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct report_opts *o = opts;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	auto_checkpoint_arg arg = { 0 };
	int rc = checkpoint_arg_open_passing(operands[0], &arg, err);
	if (rc == 0)
		rc = report_file_write(&arg, o->pid, o->out, err);
	return checkpoint_arg_end(&arg, &cmd_report, rc, err);
}

const struct command cmd_report = {
	.name = "report",
	.group = GROUP_LOOK,
	.args = "[-p PID] [-o FILE] SRC",
	.summary = "a checkpoint as one HTML page: processes, memory map, files, sockets",
	.detail = "The page needs nothing else and loads nothing: open it in any browser, from a\n"
		  "file or a mail. SRC is a directory or an archive; what cannot be read of a\n"
		  "damaged one is marked in red on the page, and named with exit status 1.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct report_opts),
	.run = report_run,
};
