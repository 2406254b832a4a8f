/* SPDX-License-Identifier: MIT
 * fanotify: groups with marks on a file and a directory, ignored events included.
 * live-skip: test "$(id -u)" = 0
 */
#include <sys/fanotify.h>

#include "tests/live/live.h"

static int read_event(int group, const char *name)
{
	char buf[1024], link[64], path[512] = "";
	struct fanotify_event_metadata *e = (void *)buf;
	if (read(group, buf, FAN_EVENT_METADATA_LEN) < (ssize_t)FAN_EVENT_METADATA_LEN)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", e->fd);
	live_check(readlink(link, path, sizeof(path) - 1) > 0, "event of fd %d", e->fd);
	close(e->fd);
	live_check(!strcmp(path, live_path(name)), "event %#llx of %s, want %s",
		   (unsigned long long)e->mask, path, name);
	return (int)e->mask;
}

static void touch(const char *name)
{
	int fd = open(live_path(name), O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
}

int main(void)
{
	const unsigned int add = FAN_MARK_ADD;
	touch("file");
	touch("quiet");
	live_must(mkdir(live_path("dir"), 0700) == 0);
	touch("dir/inside");
	int group = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY);
	int empty = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDWR | O_LARGEFILE);
	live_must(group >= 0 && empty >= 0);
	live_must(fanotify_mark(group, add, FAN_MODIFY, AT_FDCWD, live_path("file")) == 0);
	live_must(fanotify_mark(group, add, FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD, AT_FDCWD,
				live_path("dir")) == 0);
	live_must(fanotify_mark(group, add | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
				FAN_CLOSE_WRITE, AT_FDCWD, live_path("dir/inside")) == 0);
	live_ready();
	live_check(read_event(group, "file") == 0, "an event");
	live_check(fcntl(group, F_GETFD) == FD_CLOEXEC && fcntl(empty, F_GETFD) == 0, "flags");
	touch("file");
	live_check(read_event(group, "file") == FAN_MODIFY, "no event of a file");
	touch("quiet");
	touch("dir/inside");
	live_check(read_event(group, "file") == 0, "an event");
	touch("dir/new");
	live_check(read_event(group, "dir/new") == FAN_CLOSE_WRITE, "no event of a directory");
	live_check(fanotify_mark(empty, add, FAN_MODIFY, AT_FDCWD, live_path("quiet")) == 0,
		   "mark");
	touch("quiet");
	live_check(read_event(empty, "quiet") == FAN_MODIFY, "no event of the other group");
	live_pass();
}
