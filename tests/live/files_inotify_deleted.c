/* SPDX-License-Identifier: MIT
 * inotify watches of files that were deleted and are open still, of one renamed, and for one event.
 * live-modes: SS RR 2S
 */
#include <sys/inotify.h>

#include "tests/live/live.h"

static void expect(int fd, int wd, uint32_t mask)
{
	char buf[4096];
	struct inotify_event *e = (void *)buf;
	ssize_t n = read(fd, buf, sizeof(*e));
	live_check(n > 0 && e->wd == wd && e->mask == mask, "event %#x of %d, want %#x of %d",
		   n > 0 ? e->mask : 0, n > 0 ? e->wd : -1, mask, wd);
}

int main(void)
{
	char old[4096];
	int fd = inotify_init1(IN_NONBLOCK);
	int gone = open(live_path("gone"), O_RDWR | O_CREAT, 0600);
	int moved = open(live_path("old"), O_RDWR | O_CREAT, 0600);
	int a = inotify_add_watch(fd, live_path("gone"), IN_MODIFY);
	int b = inotify_add_watch(fd, live_path("old"), IN_MODIFY);
	snprintf(old, sizeof(old), "%s", live_path("old"));
	live_must(gone >= 0 && moved >= 0 && a == 1 && b == 2);
	close(open(live_path("once"), O_RDWR | O_CREAT, 0600));
	live_must(inotify_add_watch(fd, live_path("once"), IN_OPEN | IN_ONESHOT) == 3);
	live_must(unlink(live_path("gone")) == 0 && rename(old, live_path("new")) == 0);
	live_ready();
	live_check(write(gone, "x", 1) == 1, "write: %s", strerror(errno));
	expect(fd, a, IN_MODIFY);
	live_check(write(moved, "x", 1) == 1, "write: %s", strerror(errno));
	expect(fd, b, IN_MODIFY);
	close(open(live_path("once"), O_RDONLY));
	expect(fd, 3, IN_OPEN);
	expect(fd, 3, IN_IGNORED);
	live_pass();
}
