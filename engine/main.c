/* SPDX-License-Identifier: MIT
 * stasis: freeze a process tree, write it down, bring it back.
 */
#include "base/version.h"
#include "engine/commands.h"
#include "engine/config.h"

static const struct command *const commands[] = {
#define COMMAND(name) &cmd_##name,
#include "engine/commands.def"
#undef COMMAND
	NULL,
};

static const struct program program = {
	.name = "stasis",
	.summary = "checkpoint and restore process trees",
	.version = "Version: " FORMAT_VERSION " (stasis " STASIS_VERSION ")\n",
	.usage_status = 1, /* as CRIU; scripts know no other failure */
	.commands = commands,
	.expand = config_expand,
};

int main(int argc, char **argv)
{
	return program_main(&program, argc, argv);
}
