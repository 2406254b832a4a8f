/* SPDX-License-Identifier: MIT
 * crit strings: printable text in the memory of captured processes.
 */
#include "base/array.h"
#include "convert/memory/report.h"
#include "crit/commands.h"
#include "crit/memory-arg.h"

#define MIN_LENGTH 4

struct strings_opts {
	struct memory_opts memory;
	const char *format;
	uint64_t min, max;
};

static const struct arg_row rows[] = {
	{ 'n', "bytes", "MIN", "only those of at least MIN characters; default: 4", ARG_COUNT,
	  offsetof(struct strings_opts, min), 0, NULL },
	{ 'm', "max-count", "N", "stop after N strings", ARG_COUNT,
	  offsetof(struct strings_opts, max), 0, NULL },
	MEMORY_ROWS(struct strings_opts, memory, "all"),
	MEMORY_RANGE_ROW(struct strings_opts, memory),
	FORMAT_ROW(struct strings_opts),
};

struct strings_run {
	size_t min;
	struct memory_report report;
};

static int visit(void *arg, const struct process *p, const char *comm, struct memory_view *mv,
		 const struct memory_ranges *ranges, struct error *err)
{
	struct strings_run *run = arg;
	auto_progress progress = { 0 };
	int rc = memory_report_process(&run->report, p->pid, comm, mv, ranges, &progress, err);
	return rc < 0 ? rc : memory_strings(mv, ranges, run->min, &run->report, err);
}

static int strings_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct strings_opts *o = opts;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	auto_checkpoint_arg arg = { 0 };
	auto_doc doc = NULL;
	int rc = memory_arg_open(operands[0], &o->memory, &arg, err);
	if (rc == 0)
		rc = doc_arg_open(o->format, &doc, err);
	if (rc < 0)
		return checkpoint_arg_end(&arg, &cmd_strings, rc, err);
	struct strings_run run = { o->min ? o->min : MIN_LENGTH, { .doc = doc, .max = o->max } };
	memory_report_begin(&run.report, "strings");
	rc = memory_arg_each(&arg, &o->memory, visit, &run, err);
	doc_end(doc);
	int closed = doc_close(doc, rc < 0 ? NULL : err);
	doc = NULL;
	return checkpoint_arg_end(&arg, &cmd_strings, rc < 0 ? rc : closed, err);
}

const struct command cmd_strings = {
	.name = "strings",
	.group = GROUP_SEARCH,
	.args = "[-n MIN] [-p PID] [OPTION…] SRC",
	.summary = "printable text in the memory of captured processes",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct strings_opts),
	.run = strings_run,
};
