/* SPDX-License-Identifier: MIT
 * mlockall(2) over everything a program has, pages that cannot come in included.
 */
#include <sys/mman.h>

#include "tests/live/live.h"

static long locked_kb(void)
{
	char line[256];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "r");
	live_must(f != NULL);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmLck: %ld", &kb);
	fclose(f);
	return kb;
}

int main(void)
{
	live_must(mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	locked_kb(); /* the stream's buffer exists */
	live_must(mlockall(MCL_CURRENT) == 0);
	long before = locked_kb();
	live_ready();
	live_check(locked_kb() == before, "%ld KiB were locked, %ld are", before, locked_kb());
	live_pass();
}
