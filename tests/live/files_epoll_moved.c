/* SPDX-License-Identifier: MIT
 * Epoll targets whose number was closed or is another file's now: found under another number of
 * the task, watched twice, or open in a child only.
 * live-modes: SS RR 2S
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static void add(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { events, { .u64 = data } };
	live_must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0);
}

static void bump(int fd)
{
	uint64_t one = 1;
	live_check(write(fd, &one, 8) == 8, "write fd %d: %s", fd, strerror(errno));
}

static int wait_for(int ep, struct epoll_event *e, int max)
{
	return epoll_wait(ep, e, max, 0);
}

int main(void)
{
	struct epoll_event e[4];
	uint64_t value;
	int ep = epoll_create1(0), moved = eventfd(0, EFD_NONBLOCK), theirs = eventfd(0, 0);

	add(ep, moved, EPOLLIN, 0xd0);
	int first = dup(moved), second = dup(moved);
	live_must(first >= 0 && second >= 0 && close(moved) == 0);
	add(ep, first, EPOLLIN | EPOLLET, 0xd1);
	int reused = eventfd(0, EFD_NONBLOCK);
	live_must(reused == moved);
	add(ep, reused, EPOLLIN, 0xd2);

	add(ep, theirs, EPOLLIN, 0xc41d);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		live_wait();
		bump(theirs);
		_exit(0);
	}
	live_must(close(theirs) == 0 && dup(0) == theirs);

	live_ready();

	int status;
	live_check(wait(&status) == pid && status == 0, "the child failed");
	/* its file went with the child, unless the instance kept it */
	bump(second);
	int n = wait_for(ep, e, 4);
	live_check(n == 2, "%d events of a file watched twice", n);
	live_check(e[0].data.u64 + e[1].data.u64 == 0xd0 + 0xd1, "events of %#lx and %#lx",
		   (unsigned long)e[0].data.u64, (unsigned long)e[1].data.u64);
	n = wait_for(ep, e, 4);
	live_check(n == 1 && e[0].data.u64 == 0xd0, "%d events, first of %#lx", n,
		   (unsigned long)e[0].data.u64);
	live_check(read(second, &value, 8) == 8 && wait_for(ep, e, 4) == 0, "still ready");
	bump(reused);
	n = wait_for(ep, e, 4);
	live_check(n == 1 && e[0].data.u64 == 0xd2, "%d events, first of %#lx", n,
		   (unsigned long)e[0].data.u64);
	live_pass();
}
