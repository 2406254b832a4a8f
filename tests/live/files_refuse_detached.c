/* SPDX-License-Identifier: MIT
 * A file on a mount that is attached nowhere is refused as that.
 * live-refuse: on a mount that the tree does not have
 */
#include <linux/mount.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

int main(void)
{
	live_must(mkdir(live_path("dir"), 0700) == 0);
	int file = open(live_path("dir/file"), O_RDWR | O_CREAT, 0600);
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, live_path("dir"),
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	live_must(file >= 0 && close(file) == 0 && tree >= 0);
	live_must(openat(tree, "file", O_RDONLY) >= 0 && close(tree) == 0);
	live_ready();
	live_pass();
}
