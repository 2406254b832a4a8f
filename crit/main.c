/* SPDX-License-Identifier: MIT
 * crit: look into checkpoint images without privilege and without a live process.
 */
#include "base/version.h"
#include "crit/commands.h"

int main(int argc, char **argv)
{
	const struct program program = {
		.name = "crit",
		.summary = "look into and change checkpoint images",
		.version = "Version: " STASIS_VERSION "\n",
		.usage_status = 2, /* as Python crit */
		.commands = crit_commands,
	};
	return program_main(&program, argc, argv);
}
