/* SPDX-License-Identifier: MIT
 * crit squash and dedup: incremental chains made into one set, or freed of old pages.
 */
#include "base/array.h"
#include "base/page.h"
#include "convert/doc/doc.h"
#include "convert/store/squash.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "crit/sink-arg.h"

struct squash_opts {
	struct sink_opts sink;
};

static const struct arg_row squash_rows[] = {
	SINK_ROWS(struct squash_opts, sink),
};

static int squash_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	struct squash_opts *o = opts;
	auto_source src = NULL;
	auto_sink sink = NULL;
	auto_progress progress = { 0 };
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	o->sink.place_of_source = true;
	progress_start(&progress, "squashing", 0);
	int rc = source_arg_open(operands[0], &src, err);
	if (rc == 0)
		rc = sink_arg_open(&o->sink, src, operands[0], &progress, &sink, err);
	if (rc < 0)
		return rc;
	const struct set_job job = { .src = src, .sink = sink };
	rc = set_squash(&job, &progress, err);
	return rc < 0 ? rc : sink_arg_commit(&o->sink, operands[0], src, sink, NULL, err);
}

const struct command cmd_squash = {
	.name = "squash",
	.group = GROUP_STORE,
	.args = "[-o OUT|--in-place] SRC",
	.summary = "make one set of an incremental chain",
	.detail = "The sets before it stay as they are; the new set does not need them any more.\n"
		  "Without -o it takes the place of SRC.",
	.rows = squash_rows,
	.nr_rows = ARRAY_SIZE(squash_rows),
	.opts_size = sizeof(struct squash_opts),
	.run = squash_run,
};

struct dedup_opts {
	const char *format;
	bool dry_run;
};

static const struct arg_row dedup_rows[] = {
	{ 0, "dry-run", NULL, "only say what could be freed", ARG_FLAG,
	  offsetof(struct dedup_opts, dry_run), 0, NULL },
	FORMAT_ROW(struct dedup_opts),
};

static const struct doc_column columns[] = {
	{ "set", "SET", DOC_LEFT },
	{ "pages", "PAGES", DOC_RIGHT },
	{ "bytes", "FREED", DOC_RIGHT },
};

static int print_freed(void *ctx, const struct dedup_freed *freed, struct error *err)
{
	(void)err;
	struct doc *doc = ctx;
	doc_row(doc);
	doc_str(doc, NULL, NULL, freed->set);
	doc_u64(doc, NULL, NULL, freed->nr_pages);
	doc_size(doc, NULL, NULL, freed->nr_pages * PAGE);
	return 0;
}

static int dedup_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct dedup_opts *o = opts;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	auto_doc doc = NULL;
	auto_source src = NULL;
	int rc = doc_arg_open(o->format, &doc, err);
	if (rc == 0)
		rc = source_arg_open(operands[0], &src, err);
	if (rc == 0)
		rc = set_want(operands[0], src, err);
	if (rc == 0 && source_is_archive(src))
		rc =
		    error_set(err, EINVAL, "%s is an archive: `crit unpack` it first", operands[0]);
	if (rc < 0)
		return rc;
	auto_progress progress = { 0 };
	progress_start(&progress, "reading", 0);
	const struct dedup how = {
		.dry_run = o->dry_run,
		.progress = &progress,
		.freed = print_freed,
		.ctx = doc,
	};
	doc_table(doc, "sets", NULL, columns, ARRAY_SIZE(columns));
	rc = dedup_chain(src, &how, err);
	doc_end(doc);
	struct doc *whole = doc;
	doc = NULL;
	int closed = doc_close(whole, rc < 0 ? NULL : err);
	return rc < 0 ? rc : closed;
}

const struct command cmd_dedup = {
	.name = "dedup",
	.group = GROUP_STORE,
	.args = "[--dry-run] [--format text|json] DIR",
	.summary = "free pages of earlier sets that later ones have anew",
	.detail = "Holes are punched into the page images of the sets DIR's `parent` leads to. "
		  "Their own\n"
		  "memory is then incomplete; that of DIR is read before and after, and compared.",
	.rows = dedup_rows,
	.nr_rows = ARRAY_SIZE(dedup_rows),
	.opts_size = sizeof(struct dedup_opts),
	.run = dedup_run,
};
