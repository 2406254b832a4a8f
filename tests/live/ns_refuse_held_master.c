/* SPDX-License-Identifier: MIT
 * A namespace that only a descriptor leads to, made from inside of another user namespace.
 *
 * live-skip: unshare --user true
 * live-refuse: leads to a uts namespace that belongs to user namespace
 */
#include <sched.h>
#include <sys/wait.h>

#include "tests/live/live.h"

int main(void)
{
	int up[2], down[2];
	char byte = 0, path[48];
	live_must(pipe(up) == 0 && pipe(down) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		live_must(unshare(CLONE_NEWUSER | CLONE_NEWUTS) == 0);
		live_must(write(up[1], &byte, 1) == 1 && read(down[0], &byte, 1) == 1);
		_exit(0);
	}
	live_must(pid > 0 && read(up[0], &byte, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
	live_must(open(path, O_RDONLY) >= 0);
	live_must(write(down[1], &byte, 1) == 1 && waitpid(pid, NULL, 0) == pid);
	live_ready();
	live_pass();
}
