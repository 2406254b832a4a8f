/* SPDX-License-Identifier: MIT
 * Where the user may have no more watches at the dump, which number comes next cannot be asked for;
 * one that was given up lately does not come back all the same.
 * live-user: mapped
 * live-unshare: --pid --ipc
 * live-skip: unshare --user true
 * live-modes: SS RR 2S
 */
#include <sys/inotify.h>

#include "tests/live/namespaces.h"

#define LIMIT "/proc/sys/user/max_inotify_watches"

int main(void)
{
	struct inotify_event e;
	int fd = inotify_init1(0);
	live_must(fd >= 0 && mkdir(live_path("other"), 0700) == 0);
	live_must(inotify_add_watch(fd, live_path("."), IN_DELETE_SELF) == 1);
	live_must(inotify_add_watch(fd, live_path("other"), IN_DELETE_SELF) == 2);
	live_must(inotify_rm_watch(fd, 2) == 0);
	live_must(read(fd, &e, sizeof(e)) == sizeof(e) && e.mask == IN_IGNORED);
	ns_write(LIMIT, "1");
	live_must(inotify_add_watch(fd, live_path("other"), IN_DELETE_SELF) < 0);

	live_ready();

	ns_write(LIMIT, "100");
	int next = inotify_add_watch(fd, live_path("other"), IN_DELETE_SELF);
	live_check(next > 2, "the next number is %d", next);
	live_pass();
}
