/* SPDX-License-Identifier: MIT
 * crit recode: decode and encode a whole set, and look whether it stays the same.
 */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "convert/store/forms.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "crit/sink-arg.h"

struct recode_opts {
	struct sink_opts sink;
};

static const struct arg_row rows[] = {
	SINK_ROWS(struct recode_opts, sink),
};

struct telling {
	struct strbuf later; /* what is written is said once it is there */
	bool now;
};

static void report(void *arg, const char *name, const char *what)
{
	struct telling *telling = arg;
	if (!strcmp(what, "same"))
		return;
	if (telling->now)
		printf("%s: %s\n", name, what);
	else
		strbuf_printf(&telling->later, "%s: %s\n", name, what);
}

static void say_broken(void *arg, const char *name, const char *why)
{
	(void)arg;
	printf("%s: %s\n", name, why);
}

static int recode_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct recode_opts *o = opts;
	bool rewrite = o->sink.out || o->sink.in_place;
	size_t different;
	auto_source src = NULL;
	auto_sink sink = NULL;
	auto_progress progress = { 0 };
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	progress_start(&progress, "recoding", 0);
	struct telling telling = { .now = !rewrite };
	int rc = source_arg_open(operands[0], &src, err);
	if (rc == 0)
		rc = rewrite ? sink_arg_open(&o->sink, src, operands[0], &progress, &sink, err)
			     : set_want(operands[0], src, err);
	const struct set_job job = {
		.src = src, .sink = sink, .report = report, .broken = say_broken, .arg = &telling
	};
	if (rc == 0)
		rc = set_recode(&job, &different, err);
	if (rc == 0 && rewrite)
		rc = sink_arg_commit(&o->sink, operands[0], src, sink, &telling.later, err);
	strbuf_fini(&telling.later);
	if (rc < 0)
		return rc;
	return different && !rewrite ? 1 : 0;
}

const struct command cmd_recode = {
	.name = "recode",
	.group = GROUP_CONVERT,
	.args = "[-o OUT|--in-place] SRC",
	.summary = "decode and encode every image: do the same bytes come out",
	.detail =
	    "Names the images that come out different, or cannot be decoded. With -o or --in-place "
	    "these are written\n"
	    "as this program writes them. Exit status without: 0 all the same, 1 not, 2 trouble.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct recode_opts),
	.failure_status = TROUBLE,
	.run = recode_run,
};
