/* SPDX-License-Identifier: MIT
 * crit grep: find bytes in the memory of captured processes.
 */
#include "base/array.h"
#include "convert/memory/report.h"
#include "crit/commands.h"
#include "crit/memory-arg.h"

struct grep_opts {
	struct memory_opts memory;
	const char *text, *regex, *hex, *format;
	bool ignore_case;
	uint64_t max;
};

static const struct arg_row rows[] = {
	{ 's', "string", "TEXT", "look for these bytes", ARG_STRING,
	  offsetof(struct grep_opts, text), 0, NULL },
	{ 'r', "regex", "REGEX", "look for a Perl-compatible regular expression", ARG_STRING,
	  offsetof(struct grep_opts, regex), 0, NULL },
	{ 'x', "hex", "HEX", "look for bytes given in hexadecimal: \"de ad be ef\"", ARG_STRING,
	  offsetof(struct grep_opts, hex), 0, NULL },
	{ 'i', "ignore-case", NULL, "upper and lower case are the same", ARG_FLAG,
	  offsetof(struct grep_opts, ignore_case), 0, NULL },
	{ 'm', "max-count", "N", "stop after N matches", ARG_COUNT, offsetof(struct grep_opts, max),
	  0, NULL },
	MEMORY_ROWS(struct grep_opts, memory, "all"),
	MEMORY_RANGE_ROW(struct grep_opts, memory),
	FORMAT_ROW(struct grep_opts),
};

static int pattern_of(const struct grep_opts *o, struct pattern **out, struct error *err)
{
	if (!!o->text + !!o->regex + !!o->hex != 1)
		return error_set(err, EUSAGE, "want one of -s TEXT, -r REGEX, -x HEX");
	if (o->hex && o->ignore_case)
		return error_set(err, EUSAGE, "-i goes with -s and -r: bytes have no case");
	int rc = o->text    ? pattern_text(o->text, o->ignore_case, out, err)
		 : o->regex ? pattern_regex(o->regex, o->ignore_case, out, err)
			    : pattern_hex(o->hex, out, err);
	return rc == -EINVAL ? -EUSAGE : rc;
}

struct grep_run {
	struct pattern *pattern;
	struct memory_report report;
};

static int visit(void *arg, const struct process *p, const char *comm, struct memory_view *mv,
		 const struct memory_ranges *ranges, struct error *err)
{
	struct grep_run *run = arg;
	auto_progress progress = { 0 };
	int rc = memory_report_process(&run->report, p->pid, comm, mv, ranges, &progress, err);
	return rc < 0 ? rc : memory_grep(mv, ranges, run->pattern, &run->report, err);
}

static int grep_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct grep_opts *o = opts;
	auto_pattern pattern = NULL;
	auto_checkpoint_arg arg = { 0 };
	auto_doc doc = NULL;
	int rc = pattern_of(o, &pattern, err);
	if (rc == 0 && nr_operands != 1)
		rc = error_set(err, EUSAGE, "want one checkpoint");
	if (rc == 0)
		rc = memory_arg_open(operands[0], &o->memory, &arg, err);
	if (rc == 0)
		rc = doc_arg_open(o->format, &doc, err);
	if (rc < 0)
		return checkpoint_arg_end(&arg, &cmd_grep, rc, err);
	struct grep_run run = { pattern, { .doc = doc, .max = o->max } };
	memory_report_begin(&run.report, "matches");
	rc = memory_arg_each(&arg, &o->memory, visit, &run, err);
	doc_end(doc);
	int closed = doc_close(doc, rc < 0 ? NULL : err);
	doc = NULL;
	rc = rc < 0 ? rc : closed < 0 ? closed : !run.report.found;
	return checkpoint_arg_end(&arg, &cmd_grep, rc, err);
}

const struct command cmd_grep = {
	.name = "grep",
	.group = GROUP_SEARCH,
	.args = "(-s TEXT|-r REGEX|-x HEX) [-p PID] [OPTION…] SRC",
	.summary = "find bytes in the memory of captured processes",
	.detail =
	    "Looks at what the images hold, through parent sets and shared segments; pages of\n"
	    "mapped files are looked at with --sysroot. Memory nobody wrote is passed over.\n"
	    "Exit status: 0 found, 1 not found, 2 trouble.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct grep_opts),
	.failure_status = TROUBLE,
	.run = grep_run,
};
