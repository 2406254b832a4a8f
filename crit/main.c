/* SPDX-License-Identifier: MIT
 * crit: look into checkpoint images without privilege and without a live process.
 */
#include <malloc.h>

#include "base/version.h"
#include "crit/commands.h"

/* Buffers of some 100 KiB are needed for one image after the other: have the same pages for them.
 */
static void keep_freed_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 2 << 20);
}

int main(int argc, char **argv)
{
	const struct program program = {
		.name = "crit",
		.summary = "look into and change checkpoint images",
		.version = "Version: " STASIS_VERSION "\n",
		.usage_status = 2, /* as Python crit */
		.commands = crit_commands,
	};
	keep_freed_memory();
	return program_main(&program, argc, argv);
}
