/* SPDX-License-Identifier: MIT
 * Events that nobody has read cannot be put back: who reads is told, once, that some are lost, and
 * of those to come; numbers of watches that were given up lately do not come back.
 * live-modes: SS 2S
 */
#include <sys/inotify.h>

#include "tests/live/live.h"

static void expect(int fd, int wd, uint32_t mask)
{
	struct inotify_event e = { 0 };
	live_check(read(fd, &e, sizeof(e)) == sizeof(e), "no event %#x: %s", mask, strerror(errno));
	live_check(e.wd == wd && e.mask == mask, "event %#x of %d, want %#x of %d", e.mask, e.wd,
		   mask, wd);
}

int main(void)
{
	struct inotify_event e;
	int fd = inotify_init1(IN_NONBLOCK);
	int file = open(live_path("file"), O_RDWR | O_CREAT, 0600);
	int other = open(live_path("other"), O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && file >= 0 && other >= 0);
	int wd = inotify_add_watch(fd, live_path("file"), IN_MODIFY);
	int gone = inotify_add_watch(fd, live_path("other"), IN_MODIFY);
	live_must(wd == 1 && gone == 2 && inotify_rm_watch(fd, gone) == 0);
	live_must(write(file, "one", 3) == 3);
	live_ready();
	expect(fd, -1, IN_Q_OVERFLOW);
	live_check(read(fd, &e, sizeof(e)) < 0 && errno == EAGAIN, "one more event");
	live_must(write(file, "two", 3) == 3);
	expect(fd, wd, IN_MODIFY);
	int next = inotify_add_watch(fd, live_path("other"), IN_MODIFY);
	live_check(next > gone, "number %d is given out again", next);
	live_pass();
}
