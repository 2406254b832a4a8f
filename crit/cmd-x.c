/* SPDX-License-Identifier: MIT
 * crit x: what a checkpoint holds, task by task.
 */
#include <string.h>

#include "base/array.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "crit/explore.h"

static const struct {
	const char *name;
	int (*run)(struct checkpoint *cp, struct error *err);
} explorers[] = {
	{ "ps", explore_ps },
	{ "fds", explore_fds },
	{ "mems", explore_mems },
	{ "rss", explore_rss },
};

static int x_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	(void)opts;
	if (nr_operands != 2)
		return error_set(err, EUSAGE, "want SOURCE and one of ps, fds, mems, rss");
	for (size_t i = 0; i < ARRAY_SIZE(explorers); i++) {
		if (strcmp(explorers[i].name, operands[1]))
			continue;
		auto_checkpoint_arg arg = { 0 };
		int rc = checkpoint_arg_open(operands[0], &arg, err);
		return rc < 0 ? rc : explorers[i].run(arg.cp, err);
	}
	return error_set(err, EUSAGE, "%s: want ps, fds, mems or rss", operands[1]);
}

const struct command cmd_x = {
	.name = "x",
	.group = GROUP_LOOK,
	.args = "SOURCE ps|fds|mems|rss",
	.summary = "explore a checkpoint: tasks, descriptors, memory areas, pages",
	.detail = "SOURCE is a directory or an archive (tar, tar.gz, tar.zst).\n"
		  "  ps    the tree of tasks\n"
		  "  fds   every task's open descriptors, working and root directory\n"
		  "  mems  every task's memory areas and what they map\n"
		  "  rss   every task's runs of stored pages, beside the areas they lie in",
	.run = x_run,
};
