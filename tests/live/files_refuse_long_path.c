/* SPDX-License-Identifier: MIT
 * A file further down than the kernel tells paths is refused as that.
 * live-refuse: is a file whose path is longer than the 4095 bytes
 */
#include <limits.h>

#include "tests/live/live.h"

#define DEPTH (PATH_MAX / 200 + 1)

int main(void)
{
	char name[201];
	memset(name, 'd', 200);
	name[200] = 0;
	int home = open(".", O_RDONLY | O_DIRECTORY);
	live_must(home >= 0 && chdir(live_path(".")) == 0);
	for (int i = 0; i < DEPTH; i++)
		live_must(mkdir(name, 0700) == 0 && chdir(name) == 0);
	live_must(open("file", O_RDWR | O_CREAT, 0600) >= 0);
	live_must(fchdir(home) == 0 && close(home) == 0);
	live_ready();
	live_pass();
}
