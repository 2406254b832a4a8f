/* SPDX-License-Identifier: MIT
 * crit diff: what changed between two checkpoints.
 */
#include "base/array.h"
#include "convert/diff/diff.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "images/page-store.h"

struct diff_opts {
	bool pages, hexdump;
	const char *only, *format;
};

static const struct arg_row rows[] = {
	{ 0, "pages", NULL, "compare the bytes of memory too", ARG_FLAG,
	  offsetof(struct diff_opts, pages), 0, NULL },
	{ 0, "hexdump", NULL, "show changed bytes, 16 to a row; implies --pages", ARG_FLAG,
	  offsetof(struct diff_opts, hexdump), 0, NULL },
	{ 0, "only", "LIST", "ps,task,regs,mems,pages,fds,files,net,mounts,ipc,namespaces,…",
	  ARG_STRING, offsetof(struct diff_opts, only), 0, NULL },
	FORMAT_ROW(struct diff_opts),
};

static int diff_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct diff_opts *o = opts;
	struct diff_options how = { .sections = (1u << NR_DIFF_SECTIONS) - 1,
				    .pages = o->pages || o->hexdump,
				    .hexdump = o->hexdump };
	if (nr_operands != 2)
		return error_set(err, EUSAGE, "want two checkpoints, A and B");
	if (o->only && diff_sections_parse(o->only, &how.sections, err) < 0)
		return -EUSAGE;
	bool pages = how.sections & 1u << DIFF_PAGES;
	if (how.pages && !pages)
		return error_set(err, EUSAGE, "--only leaves out the pages that --pages is for");
	how.pages |= o->only && pages;
	auto_checkpoint_arg a = { 0 };
	auto_checkpoint_arg b = { 0 };
	auto_doc doc = NULL;
	int rc = checkpoint_arg_open_passing(operands[0], &a, err);
	if (rc == 0)
		rc = checkpoint_arg_open_passing(operands[1], &b, err);
	if (rc == 0)
		rc = doc_arg_open(o->format, &doc, err);
	a.several = b.several = true;
	if (rc < 0)
		return checkpoint_arg_end(&a, &cmd_diff, rc, err);
	auto_progress progress = { 0 };
	how.progress = &progress;
	progress_start(&progress, "comparing", how.pages ? pages_stored_size(a.src) : 0);
	int different = diff_checkpoints(a.cp, b.cp, &how, doc, err);
	rc = doc_close(doc, different < 0 ? NULL : err);
	doc = NULL;
	rc = different < 0 || rc == 0 ? different : rc;
	rc = checkpoint_arg_end(&a, &cmd_diff, rc, err);
	return checkpoint_arg_end(&b, &cmd_diff, rc, err);
}

const struct command cmd_diff = {
	.name = "diff",
	.group = GROUP_CHECK,
	.args = "[--pages] [--hexdump] [--only LIST] [--format text|json] A B",
	.summary = "what changed between two checkpoints, by meaning",
	.detail =
	    "A and B are directories or archives. Processes are matched by their place in the\n"
	    "tree, then by pid; memory by address, descriptors by number. Numbers that every\n"
	    "dump makes up (file ids, inode numbers, run ids) do not count.\n"
	    "Exit status: 0 nothing differs, 1 something does, 2 trouble.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct diff_opts),
	.failure_status = TROUBLE,
	.run = diff_run,
};
