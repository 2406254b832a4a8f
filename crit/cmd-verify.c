/* SPDX-License-Identifier: MIT
 * crit verify: is a checkpoint whole and coherent?
 */
#include "base/array.h"
#include "convert/verify/verify.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"

struct verify_opts {
	const char *format;
};

static const struct arg_row rows[] = {
	FORMAT_ROW(struct verify_opts),
};

static uint64_t total_size(struct source *src)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, NULL);
	uint64_t total = 0;
	for (ssize_t i = 0; i < nr; i++)
		total += members[i].size;
	return total;
}

static int verify_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct verify_opts *o = opts;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	auto_source src = NULL;
	auto_doc doc = NULL;
	int rc = sets_below_refuse(operands[0], err);
	if (rc == 0)
		rc = source_arg_stream(operands[0], &src, err);
	if (rc == 0)
		rc = doc_arg_open(o->format, &doc, err);
	if (rc < 0)
		return rc;
	auto_progress progress;
	progress_start(&progress, "checking", total_size(src));
	int found = verify_source(src, doc, &progress, err);
	rc = doc_close(doc, found < 0 ? NULL : err);
	doc = NULL;
	return found < 0 || rc == 0 ? found : rc;
}

const struct command cmd_verify = {
	.name = "verify",
	.group = GROUP_CHECK,
	.args = "[--format text|json] SRC",
	.summary = "is a checkpoint whole and coherent",
	.detail = "SRC is a directory or an archive. Every image is read to its end, every "
		  "reference from\n"
		  "one to another looked up, every page looked for, through the parents of an\n"
		  "incremental set. One line for each finding: image, entry, field.\n"
		  "Exit status: 0 nothing found, 1 something is wrong, 2 trouble.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct verify_opts),
	.failure_status = TROUBLE,
	.run = verify_run,
};
