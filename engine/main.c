/* SPDX-License-Identifier: MIT
 * stasis: freeze a process tree, write it down, bring it back.
 */
#include "engine/commands.h"
#include "engine/config.h"

#define FORMAT_VERSION "4.2" /* scripts read it from the first line to know what we can do */
#define STASIS_VERSION "0.1"

static const struct command *const commands[] = {
	&cmd_dump, &cmd_restore, &cmd_check, &cmd_cpuinfo, &cmd_swrk, &cmd_service, NULL,
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
