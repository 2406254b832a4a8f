/* SPDX-License-Identifier: MIT
 * stasis dump: write a process tree to images.
 */
#include "engine/commands.h"
#include "engine/context/dump.h"
#include "engine/context/options.h"
#include "engine/dump.h"
#include "engine/options.h"

static int dump_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct options *o = opts;
	if (nr_operands > 0)
		return error_set(err, EUSAGE, "unexpected argument %s", operands[0]);
	if (o->pid <= 0)
		return error_set(err, EUSAGE, "which process tree? Give its root with -t PID");
	return dump_tree(o, err);
}

const struct command cmd_dump = {
	.name = "dump",
	.args = "-t PID [-D DIR] [OPTION…]",
	.summary = "write a process tree to images",
	.detail = "Stops the tree below PID, writes its images to DIR and then kills it,\n"
		  "unless -R or -s says otherwise. If anything fails, it runs on as before.",
	.rows = option_rows,
	.nr_rows = NR_OPTION_ROWS,
	.mask = OPT_DUMP,
	.opts_size = sizeof(struct options),
	.run = dump_run,
};
