/* SPDX-License-Identifier: MIT
 * epoll instances: masks and data of every target, edge-triggered, one-shot armed and fired,
 * exclusive, nested, an instance shared with a child.
 */
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
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

static void drain(int fd)
{
	uint64_t value;
	live_check(read(fd, &value, 8) == 8, "read fd %d: %s", fd, strerror(errno));
}

static void expect(int ep, const char *what, uint64_t data, uint32_t events)
{
	struct epoll_event e[4];
	int n = epoll_wait(ep, e, 4, 0);
	live_check(n == 1, "%s: %d events, want 1 (first %#lx)", what, n,
		   n > 0 ? (unsigned long)e[0].data.u64 : 0);
	live_check(e[0].data.u64 == data && e[0].events == events, "%s: data %#lx events %#x", what,
		   (unsigned long)e[0].data.u64, e[0].events);
}

static void expect_nothing(int ep, const char *what)
{
	struct epoll_event e;
	int n = epoll_wait(ep, &e, 1, 0);
	live_check(n == 0, "%s: event %#x of %#lx", what, e.events, (unsigned long)e.data.u64);
}

/*
 * What fdinfo says it watches, by number: the order is that of kernel addresses. Whether errors
 * are among the events shows below.
 */
static void targets(int ep, char *out, size_t size)
{
	char path[64], line[256];
	unsigned int events[512] = { 0 };
	unsigned long data[512];
	size_t len = 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
	FILE *f = fopen(path, "r");
	live_check(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		unsigned int fd, mask;
		unsigned long value;
		if (sscanf(line, "tfd: %u events: %x data: %lx", &fd, &mask, &value) == 3) {
			live_check(fd < 512 && !events[fd], "fd %u stands twice", fd);
			events[fd] = mask & ~(unsigned int)(EPOLLERR | EPOLLHUP);
			data[fd] = value;
		}
	}
	fclose(f);
	for (size_t i = 0; i < 512; i++)
		if (events[i])
			len += (size_t)snprintf(out + len, size - len, "%zu:%x:%lx ", i, events[i],
						data[i]);
}

static void wait_child(int ep)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid)
		return;
	live_wait();
	struct stat st;
	while (stat(live_path("armed"), &st) < 0)
		live_sleep_ms(2);
	expect(ep, "the child's wait", 77, EPOLLIN);
	_exit(0);
}

struct busy_poll { /* struct epoll_params of Linux 6.9 */
	uint32_t usecs;
	uint16_t budget;
	uint8_t prefer, pad;
};
#define BUSY_POLL_SET _IOW(0x8a, 0x01, struct busy_poll)
#define BUSY_POLL_GET _IOR(0x8a, 0x02, struct busy_poll)

static const struct busy_poll busy = { 20, 8, 1, 0 };

/* Where the kernel has that. @return whether it was set */
static bool poll_busily(int fd)
{
	return ioctl(fd, BUSY_POLL_SET, &busy) == 0;
}

static void expect_busy(int fd)
{
	struct busy_poll now;
	live_check(ioctl(fd, BUSY_POLL_GET, &now) == 0 && now.usecs == busy.usecs &&
		       now.budget == busy.budget && now.prefer == busy.prefer,
		   "it polls for %u us, %u packets", now.usecs, now.budget);
}

int main(void)
{
	char before[4096], after[4096];
	int fds[2];
	int plain = eventfd(0, EFD_NONBLOCK), edge = eventfd(5, EFD_NONBLOCK);
	int fired = eventfd(1, EFD_NONBLOCK), armed = eventfd(0, EFD_NONBLOCK);
	int exclusive = eventfd(0, EFD_NONBLOCK);
	int outer = epoll_create1(EPOLL_CLOEXEC), inner = epoll_create1(0),
	    mixed = epoll_create1(0);
	int far = eventfd(0, EFD_NONBLOCK), quiet, shared = epoll_create1(0);
	struct epoll_event e;

	live_must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	live_must(dup2(far, 300) == 300 && close(far) == 0);
	far = 300;
	add(mixed, fired, EPOLLIN | EPOLLONESHOT, 0xf1);
	live_must(epoll_wait(mixed, &e, 1, 0) == 1);
	/* nothing ready, fired nevertheless */
	live_must((quiet = eventfd(1, EFD_NONBLOCK)) >= 0);
	add(mixed, quiet, EPOLLIN | EPOLLONESHOT | EPOLLET, 0xf2);
	live_must(epoll_wait(mixed, &e, 1, 0) == 1);
	drain(quiet);
	add(mixed, edge, EPOLLIN | EPOLLET, 0xed9e);
	live_must(epoll_wait(mixed, &e, 1, 0) == 1);
	drain(edge);
	add(mixed, plain, EPOLLIN, 0x1122334455667788);
	add(mixed, armed, EPOLLIN | EPOLLONESHOT, 0xa5);
	add(mixed, exclusive, EPOLLIN | EPOLLEXCLUSIVE, 0xe);
	add(mixed, far, EPOLLIN, 0xfa5);
	add(mixed, fds[0], EPOLLIN | EPOLLRDHUP | EPOLLPRI, 0x50c);
	add(inner, plain, EPOLLIN, 1);
	add(outer, inner, EPOLLIN, 2);
	add(shared, plain, EPOLLIN, 77);
	wait_child(shared);
	targets(mixed, before, sizeof(before));
	bool is_busy = poll_busily(mixed);

	live_ready();

	targets(mixed, after, sizeof(after));
	live_check(!strcmp(before, after), "targets were %s, now %s", before, after);
	if (is_busy)
		expect_busy(mixed);
	expect_nothing(mixed, "nothing is ready");
	live_check(fcntl(outer, F_GETFD) == FD_CLOEXEC, "close-on-exec is gone");
	bump(plain);
	expect(mixed, "plain", 0x1122334455667788, EPOLLIN);
	expect(mixed, "plain again", 0x1122334455667788, EPOLLIN);
	expect(inner, "inner", 1, EPOLLIN);
	expect(outer, "nested", 2, EPOLLIN);
	live_say("armed", "");
	int status;
	live_check(wait(&status) > 0 && status == 0, "the child saw no event");
	drain(plain);
	expect_nothing(mixed, "plain drained");
	bump(edge);
	expect(mixed, "edge", 0xed9e, EPOLLIN);
	expect_nothing(mixed, "edge twice");
	bump(armed);
	expect(mixed, "one-shot", 0xa5, EPOLLIN);
	expect_nothing(mixed, "one-shot twice");
	bump(exclusive);
	expect(mixed, "exclusive", 0xe, EPOLLIN);
	drain(exclusive);
	bump(far);
	expect(mixed, "far", 0xfa5, EPOLLIN);
	drain(far);
	bump(fired);
	bump(quiet);
	expect_nothing(mixed, "one-shots that fired");
	e = (struct epoll_event){ EPOLLIN, { .u64 = 0xf3 } };
	live_check(epoll_ctl(mixed, EPOLL_CTL_MOD, fired, &e) == 0, "arm again: %s",
		   strerror(errno));
	expect(mixed, "armed again", 0xf3, EPOLLIN);
	live_check(epoll_ctl(mixed, EPOLL_CTL_DEL, fired, NULL) == 0, "delete: %s",
		   strerror(errno));
	live_check(close(fds[1]) == 0, "close: %s", strerror(errno));
	expect(mixed, "hang-up", 0x50c, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
	live_pass();
}
