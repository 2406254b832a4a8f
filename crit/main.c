/* SPDX-License-Identifier: MIT
 * crit: look into checkpoint images without privilege and without a live process.
 */
#include "base/args.h"

#define CRIT_VERSION "0.1"

static const struct command *const commands[] = { NULL };

static const struct program program = {
	.name = "crit",
	.summary = "look into and change checkpoint images",
	.version = "Version: " CRIT_VERSION "\n",
	.commands = commands,
};

int main(int argc, char **argv)
{
	return program_main(&program, argc, argv);
}
