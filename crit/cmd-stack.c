/* SPDX-License-Identifier: MIT
 * crit stack: backtraces of captured threads.
 */
#include <stdio.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/stack/report.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"

struct stack_opts {
	uint32_t pid;
	const char *sysroot, *format;
};

static const struct arg_row rows[] = {
	{ 'p', "pid", "PID", "of this process; default: all", ARG_PID,
	  offsetof(struct stack_opts, pid), 0, NULL },
	{ 0, "sysroot", "DIR", "look below DIR for mapped files and their debug files; default: /",
	  ARG_PATH, offsetof(struct stack_opts, sysroot), 0, NULL },
	FORMAT_ROW(struct stack_opts),
};

static int stack_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct stack_opts *o = opts;
	auto_checkpoint_arg arg = { 0 };
	auto_doc doc = NULL;
	const struct process *only = NULL;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	int rc = checkpoint_arg_open_passing(operands[0], &arg, err);
	if (rc == 0 && o->pid)
		rc = checkpoint_pick(arg.cp, o->pid, &only, err);
	if (rc == 0)
		rc = doc_arg_open(o->format, &doc, err);
	size_t failed = 0;
	if (rc == 0) {
		rc = stack_report(arg.cp, only, o->sysroot ?: "/", doc, &failed, err);
		int closed = doc_close(take_ptr(doc), rc < 0 ? NULL : err);
		rc = rc < 0 ? rc : closed;
	}
	if (rc == 0 && failed)
		rc = error_set(err, ENODATA, "stacks that are not all there, as they say: %zu",
			       failed);
	return checkpoint_arg_end(&arg, &cmd_stack, rc, err);
}

const struct command cmd_stack = {
	.name = "stack",
	.group = GROUP_DEBUG,
	.args = "[-p PID] [--sysroot DIR] [--format text|json] SRC",
	.summary = "backtraces of all captured threads, with symbols and lines",
	.detail =
	    "Registers and memory come from the images, symbols from the mapped files below DIR,\n"
	    "where they are still the ones that were dumped, source lines from their debug files.\n"
	    "Nothing is fetched from the network.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct stack_opts),
	.run = stack_run,
};
