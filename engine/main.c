/* SPDX-License-Identifier: MIT
 * stasis: freeze a process tree, write it down, bring it back.
 */
#include "base/args.h"

#define STASIS_VERSION "0.1"

static const struct command *const commands[] = { NULL };

static const struct program program = {
	.name = "stasis",
	.summary = "checkpoint and restore process trees",
	.version = "Version: " STASIS_VERSION "\n",
	.commands = commands,
};

int main(int argc, char **argv)
{
	return program_main(&program, argc, argv);
}
