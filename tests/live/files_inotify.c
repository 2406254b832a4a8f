/* SPDX-License-Identifier: MIT
 * inotify: numbers, masks and flags of watches on files and directories, gaps between numbers, a
 * mapped file; and no event that only the restore has caused.
 * live-modes: SS SC CS 2S
 */
#include <sys/inotify.h>
#include <sys/mman.h>

#include "tests/live/live.h"

static int make(const char *name)
{
	int fd = open(live_path(name), O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && ftruncate(fd, 4096) == 0);
	return fd;
}

static void expect(int fd, int wd, uint32_t mask, const char *name)
{
	static char buf[4096]; /* one read may bring several */
	static ssize_t have;
	struct inotify_event *e = (void *)buf;
	if (!have)
		have = read(fd, buf, sizeof(buf));
	live_check(have > 0, "no event %#x of %d: %s", mask, wd, strerror(errno));
	live_check(e->wd == wd && e->mask == mask, "event %#x of %d, want %#x of %d", e->mask,
		   e->wd, mask, wd);
	live_check(!name || (e->len && !strcmp(e->name, name)), "event of %s, want %s",
		   e->len ? e->name : "nothing", name);
	ssize_t used = (ssize_t)(sizeof(*e) + e->len);
	memmove(buf, buf + used, (size_t)(have -= used));
}

static void expect_nothing(int fd)
{
	char buf[4096];
	struct inotify_event *e = (void *)buf;
	live_check(read(fd, buf, sizeof(buf)) < 0 && errno == EAGAIN, "event %#x of %d", e->mask,
		   e->wd);
}

int main(void)
{
	char name[4096];
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), other = inotify_init1(IN_NONBLOCK);
	int file = make("file");
	live_must(fd >= 0 && other >= 0 && mkdir(live_path("dir"), 0700) == 0);
	close(make("dir/one"));
	close(make("dir/two"));
	snprintf(name, sizeof(name), "%s", live_path("dir/one"));
	int all = IN_ALL_EVENTS, gap = inotify_add_watch(fd, live_path("."), IN_DELETE_SELF);
	int wd = inotify_add_watch(fd, live_path("file"), (uint32_t)all);
	int dir = inotify_add_watch(fd, live_path("dir"), IN_CREATE | IN_DELETE | IN_ONLYDIR);
	int last = inotify_add_watch(fd, name, IN_OPEN);
	int wd2 = inotify_add_watch(other, live_path("file"), IN_MODIFY);
	live_must(gap == 1 && wd == 2 && dir == 3 && last == 4 && wd2 == 1);
	live_must(inotify_rm_watch(fd, gap) == 0);
	expect(fd, gap, IN_IGNORED, NULL);
	/* opened again by the restore, to be mapped */
	live_must(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0) != MAP_FAILED);
	char seen[64];
	while (read(fd, seen, sizeof(seen)) > 0)
		;
	live_ready();
	expect_nothing(fd);
	expect_nothing(other);
	live_check(fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(other, F_GETFD) == 0, "flags");
	live_check(pwrite(file, "x", 1, 0) == 1, "write: %s", strerror(errno));
	expect(fd, wd, IN_MODIFY, NULL);
	expect(other, wd2, IN_MODIFY, NULL);
	close(make("dir/three"));
	expect(fd, dir, IN_CREATE, "three");
	live_check(unlink(live_path("dir/three")) == 0, "unlink");
	expect(fd, dir, IN_DELETE, "three");
	int opened = open(name, O_RDONLY);
	expect(fd, last, IN_OPEN, NULL);
	close(opened);
	expect_nothing(fd);
	live_check(inotify_rm_watch(fd, dir) == 0, "remove a watch: %s", strerror(errno));
	expect(fd, dir, IN_IGNORED, NULL);
	live_pass();
}
