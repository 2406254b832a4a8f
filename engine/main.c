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

static const struct command_refused refused[] = {
	{ "pre-dump",
	  "not supported: take a dump, which stops the tree for as long as writing takes" },
	{ "page-server", "not supported: dump to a directory, and copy that" },
	{ "lazy-pages", "not supported: a restore brings all pages at once" },
	{ "dedup", "not supported here: `crit dedup` does it" },
	{ NULL, NULL },
};

static const struct program program = {
	.name = "stasis",
	.summary = "checkpoint and restore process trees",
	.version = "Version: " FORMAT_VERSION " (stasis " STASIS_VERSION ")\n",
	.usage_status = 1, /* as CRIU; scripts know no other failure */
	.commands = commands,
	.refused = refused,
	.expand = config_expand,
};

int main(int argc, char **argv)
{
	return program_main(&program, argc, argv);
}
