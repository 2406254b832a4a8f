/* SPDX-License-Identifier: MIT
 * The numbers of watches go on after those of watches that are no more; who reads hears of nothing.
 * live-modes: SS RR 2S
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

#include "tests/live/live.h"

static int watch(int fd)
{
	int wd = inotify_add_watch(fd, live_path("."), IN_DELETE_SELF);
	live_must(wd > 0);
	return wd;
}

static void forget(int fd, int wd)
{
	struct inotify_event e;
	live_must(inotify_rm_watch(fd, wd) == 0);
	live_must(read(fd, &e, sizeof(e)) == sizeof(e) && e.mask == IN_IGNORED);
}

int main(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int many = inotify_init1(0), none = inotify_init1(IN_NONBLOCK), kept = inotify_init1(0);
	int epoll = epoll_create1(0);
	live_must(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, many, &event) == 0);
	for (int i = 1; i <= 300; i++) {
		live_must(watch(many) == i);
		forget(many, i);
	}
	live_must(watch(many) == 301 && watch(kept) == 1);
	forget(many, 301);
	live_must(epoll_wait(epoll, &event, 1, 0) == 0);
	live_ready();
	struct pollfd polled[] = { { many, POLLIN, 0 }, { none, POLLIN, 0 }, { kept, POLLIN, 0 } };
	live_check(poll(polled, 3, 50) == 0, "there is something to read");
	live_check(epoll_wait(epoll, &event, 1, 0) == 0, "epoll tells of something");
	int next = watch(many), first = watch(none);
	live_check(next == 302, "the next watch of many is %d", next);
	live_check(first == 1, "the first watch is %d", first);
	live_must(inotify_rm_watch(kept, 1) == 0);
	next = watch(kept);
	live_check(next == 2, "the second watch is %d", next);
	live_pass();
}
