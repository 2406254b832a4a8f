/* SPDX-License-Identifier: MIT
 * A file system that was made in a user namespace inside of the tree's, and nobody knows to
 * make as its root.
 *
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[]:sm --enable-fs ramfs
 * live-refuse: (ramfs) was made there: not supported
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "tests/live/namespaces.h"

int main(void)
{
	char at[4096];
	int up[2];
	char c;
	snprintf(at, sizeof(at), "%s", live_path("place"));
	live_must(mkdir(at, 0755) == 0 && pipe(up) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		live_must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		live_must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
		ns_write("/proc/self/uid_map", "0 0 1");
		ns_write("/proc/self/setgroups", "deny");
		ns_write("/proc/self/gid_map", "0 0 1");
		live_must(mount("none", at, "ramfs", 0, NULL) == 0);
		live_must(write(up[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	live_must(pid > 0 && read(up[0], &c, 1) == 1);

	live_ready();

	live_pass();
}
