/* SPDX-License-Identifier: MIT
 * A file system that was made in a user namespace inside of the tree's, and consists of others.
 *
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[]:sm
 * live-refuse: (overlay) was made there: not supported
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "tests/live/namespaces.h"

int main(void)
{
	char at[4096], options[9000];
	int up[2];
	char c;
	snprintf(at, sizeof(at), "%s", live_path("place"));
	live_must(mkdir(at, 0755) == 0 && pipe(up) == 0);
	snprintf(options, sizeof(options), "lowerdir=%s/a:%s/b", at, at);
	pid_t pid = fork();
	if (pid == 0) {
		live_must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		live_must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
		ns_write("/proc/self/uid_map", "0 0 1");
		ns_write("/proc/self/setgroups", "deny");
		ns_write("/proc/self/gid_map", "0 0 1");
		live_must(mount("none", at, "tmpfs", 0, NULL) == 0 && chdir(at) == 0);
		live_must(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0 && mkdir("on", 0755) == 0);
		live_must(mount("none", "on", "overlay", 0, options) == 0);
		live_must(write(up[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	live_must(pid > 0 && read(up[0], &c, 1) == 1);

	live_ready();

	live_pass();
}
