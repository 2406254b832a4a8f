/* SPDX-License-Identifier: MIT
 * crit compat: will a checkpoint restore on this machine?
 */
#include "base/array.h"
#include "base/cleanup.h"
#include "convert/compat/compat.h"
#include "convert/verify/verify.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "images/sysroot.h"

struct compat_opts {
	struct compat_options compat;
	uint32_t pid;
	const char *format;
	bool strict, checks;
};

static const struct arg_row rows[] = {
	{ 'p', "pid", "PID", "what this process needs, and what all have in common; default: all",
	  ARG_PID, offsetof(struct compat_opts, pid), 0, NULL },
	{ 'r', "root", "DIR", "the root of the container will be DIR", ARG_PATH,
	  offsetof(struct compat_opts, compat.root), 0, NULL },
	{ 0, "strict", NULL, "what is not known counts as no", ARG_FLAG,
	  offsetof(struct compat_opts, strict), 0, NULL },
	{ 0, "checks", NULL, "print what is asked instead", ARG_FLAG,
	  offsetof(struct compat_opts, checks), 0, NULL },
	FORMAT_ROW(struct compat_opts),
};

/* Before anything is printed. */
static int root_look(const char *root, struct error *err)
{
	auto_fd fd = sysroot_open(root, err);
	return fd < 0 ? fd : 0;
}

static int compat_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	struct compat_opts *o = opts;
	auto_checkpoint_arg arg = { 0 };
	auto_doc doc = NULL;
	enum answer answer = ANSWER_YES;
	bool checks = o->checks;
	if (checks && (nr_operands || o->pid || o->compat.root || o->strict))
		return error_set(err, EUSAGE,
				 "--checks takes no checkpoint, and no option but --format");
	if (nr_operands != 1 && !checks)
		return error_set(err, EUSAGE, "want one checkpoint");
	int rc = checks ? 0 : checkpoint_arg_open_passing(operands[0], &arg, err);
	if (rc == 0 && o->pid)
		rc = checkpoint_pick(arg.cp, o->pid, &o->compat.only, err);
	if (rc == 0 && o->compat.root)
		rc = root_look(o->compat.root, err);
	if (rc == 0 && !checks)
		rc = verify_framing(arg.src, err);
	if (rc == 0)
		rc = doc_arg_open(o->format, &doc, err);
	if (rc < 0)
		return rc;
	if (checks)
		compat_write_checks(doc);
	else
		rc = compat_checkpoint(arg.cp, &o->compat, doc, &answer, err);
	int closed = doc_close(doc, rc < 0 ? NULL : err);
	doc = NULL;
	rc = checkpoint_arg_end(&arg, &cmd_compat, rc < 0 ? rc : closed, err);
	if (rc < 0)
		return rc;
	return answer == ANSWER_NO || (o->strict && answer == ANSWER_UNKNOWN) ? 1 : rc;
}

const struct command cmd_compat = {
	.name = "compat",
	.group = GROUP_CHECK,
	.args = "[-p PID] [--root DIR] [--strict] [--format text|json] SRC",
	.summary = "will a checkpoint restore on this machine",
	.detail = "A line for each question: yes, no or unknown, and why. Reads /proc, files and\n"
		  "the processor; tries nothing out.\n"
		  "Exit status: 0 nothing says no, 1 something does, 2 trouble.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct compat_opts),
	.failure_status = TROUBLE,
	.run = compat_run,
};
