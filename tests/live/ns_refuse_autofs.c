/* SPDX-License-Identifier: MIT
 * An autofs whose daemon is outside of the tree.
 * live-unshare: --mount
 * live-dump: --external mnt[/dev/shm]:shm
 * live-refuse: no task of the tree: dump them together
 * live-skip: test -c /dev/autofs
 */
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/live/live.h"

/* An orphan, in no group of the tree, until the last of the tree is gone. */
static _Noreturn void serve(const char *place, int stay, int done)
{
	char options[64], c;
	int requests[2];
	live_must(setsid() > 0 && pipe(requests) == 0);
	snprintf(options, sizeof(options), "fd=%d,minproto=5,maxproto=5,direct", requests[1]);
	live_must(mount("auto", place, "autofs", 0, options) == 0);
	live_must(write(done, "", 1) == 1);
	close(done);
	_exit(read(stay, &c, 1) == 0 ? 0 : 1);
}

int main(void)
{
	const char *place = strdup(live_path("auto"));
	int stay[2], done[2];
	char c;
	live_must(mkdir(place, 0755) == 0 && pipe(stay) == 0 && pipe(done) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		close(stay[1]);
		if (fork() == 0)
			serve(place, stay[0], done[1]);
		_exit(0);
	}
	close(stay[0]);
	close(done[1]);
	live_must(waitpid(pid, NULL, 0) == pid && read(done[0], &c, 1) == 1);
	close(done[0]);
	live_ready();
	live_pass();
}
