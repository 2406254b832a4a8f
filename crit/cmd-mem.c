/* SPDX-License-Identifier: MIT
 * crit mem: the memory maps of captured processes, and where each page is.
 */
#include <string.h>

#include "base/array.h"
#include "convert/memory/map.h"
#include "crit/commands.h"
#include "crit/memory-arg.h"
#include "crit/report-file.h"

struct mem_opts {
	struct memory_opts memory;
	const char *format, *out;
};

static const struct arg_row rows[] = {
	MEMORY_ROWS(struct mem_opts, memory, "all"),
	MEMORY_RANGE_ROW(struct mem_opts, memory),
	{ 'o', "out", "FILE", "where to write --format html; default: standard output", ARG_PATH,
	  offsetof(struct mem_opts, out), 0, NULL },
	{ 0, "format", "text|json|html", "how to print it; default: text", ARG_STRING,
	  offsetof(struct mem_opts, format), 0, NULL },
};

struct mem_run {
	const char *format;
	struct map_totals totals;
	struct doc *doc; /* NULL until there is a row */
};

static int visit(void *arg, const struct process *p, const char *comm, struct memory_view *mv,
		 const struct memory_ranges *ranges, struct error *err)
{
	struct mem_run *run = arg;
	(void)comm;
	if (!run->doc) {
		int rc = doc_arg_open(run->format, &run->doc, err);
		if (rc < 0)
			return rc;
		map_table_begin(run->doc);
	}
	return map_write(mv, p->pid, ranges, &run->totals, run->doc, err);
}

static int document_write(const struct checkpoint_arg *arg, const struct mem_opts *o,
			  struct error *err)
{
	struct mem_run run = { .format = o->format };
	int rc = memory_arg_each(arg, &o->memory, visit, &run, err);
	if (run.doc) {
		doc_end(run.doc);
		map_totals_write(&run.totals, run.doc);
	}
	int closed = doc_close(run.doc, rc < 0 ? NULL : err);
	map_totals_fini(&run.totals);
	return rc < 0 ? rc : closed;
}

static bool is_filtered(const struct mem_opts *o)
{
	const struct memory_query *query = &o->memory.query;
	return query->prot || query->file || query->range || query->kind || query->area ||
	       o->memory.sysroot;
}

static int mem_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct mem_opts *o = opts;
	bool html = o->format && !strcmp(o->format, "html");
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	enum doc_format format;
	if (!html && o->format && doc_format_parse(o->format, &format, err) < 0)
		return -EUSAGE;
	if (o->out && !html)
		return error_set(err, EUSAGE, "--out goes with --format html");
	if (html && is_filtered(o))
		return error_set(err, EUSAGE,
				 "the page has its own filters: --format html takes no option but "
				 "-p and -o");
	auto_checkpoint_arg arg = { 0 };
	int rc = memory_arg_open(operands[0], &o->memory, &arg, err);
	if (rc == 0)
		rc = html ? report_file_write(&arg, o->memory.pid, o->out, err)
			  : document_write(&arg, o, err);
	return checkpoint_arg_end(&arg, &cmd_mem, rc, err);
}

const struct command cmd_mem = {
	.name = "mem",
	.group = GROUP_SEARCH,
	.args = "[-p PID] [--prot PROT] [-k KIND] [--file PATTERN] [OPTION…] SRC",
	.summary = "memory maps: each area, where its pages are, sums by kind and file",
	.detail =
	    "STORED pages are in this set, PARENT pages in the one before it, LAZY pages were\n"
	    "left behind; SHARED are those stored in segments others may map too. DIRTY are\n"
	    "the bytes stored of private pages: what the process itself wrote.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct mem_opts),
	.run = mem_run,
};
