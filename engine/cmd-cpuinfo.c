/* SPDX-License-Identifier: MIT
 * stasis cpuinfo: write down what this processor can do, or compare.
 */
#include <string.h>

#include "engine/commands.h"
#include "engine/cpuinfo.h"
#include "engine/options.h"

static int cpuinfo_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct options *o = opts;
	bool dump = nr_operands == 1 && !strcmp(operands[0], "dump");
	if (!dump && (nr_operands != 1 || strcmp(operands[0], "check") != 0))
		return error_set(err, EUSAGE, "what to do: dump, or check?");
	return dump ? cpuinfo_write_set(o, err) : cpuinfo_check_set(o, err);
}

const struct command cmd_cpuinfo = {
	.name = "cpuinfo",
	.args = "dump|check [-D DIR] [--cpu-cap [CAP]]",
	.summary = "write what this processor can do, or check it against a set",
	.detail =
	    "dump writes cpuinfo.img; check tells whether a tree that was dumped where it was\n"
	    "written can run here (--cpu-cap fpu,ins unless told otherwise).",
	.rows = option_rows,
	.nr_rows = NR_OPTION_ROWS,
	.mask = OPT_CPUINFO,
	.opts_size = sizeof(struct options),
	.run = cpuinfo_run,
};
