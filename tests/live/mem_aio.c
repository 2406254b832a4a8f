/* SPDX-License-Identifier: MIT
 * Contexts of asynchronous I/O: the same ids, events nobody has taken yet, rings that went round,
 * and as many requests at once as before.
 */
#include <linux/aio_abi.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

struct ring { /* as the kernel maps it */
	unsigned int id, nr, head, tail;
};

static int null_fd;

static aio_context_t make(unsigned int nr)
{
	aio_context_t ctx = 0;
	live_must(syscall(SYS_io_setup, nr, &ctx) == 0);
	return ctx;
}

static long submit(aio_context_t ctx, uint64_t data)
{
	static char byte;
	struct iocb cb = { .aio_data = data,
			   .aio_fildes = (unsigned int)null_fd,
			   .aio_lio_opcode = IOCB_CMD_PWRITE,
			   .aio_buf = (uint64_t)(uintptr_t)&byte,
			   .aio_nbytes = 1 };
	struct iocb *list = &cb;
	return syscall(SYS_io_submit, ctx, 1, &list);
}

static void reap(aio_context_t ctx, uint64_t data)
{
	struct io_event e = { 0 };
	struct timespec now = { 0 };
	long n = syscall(SYS_io_getevents, ctx, 1, 1, &e, &now);
	live_check(n == 1 && e.data == data && e.res == 1, "%ld events, data %lu, want %lu", n,
		   (unsigned long)e.data, (unsigned long)data);
}

/* How many fit, by filling it; then all are taken again. */
static unsigned int capacity(aio_context_t ctx)
{
	unsigned int nr = 0;
	while (submit(ctx, nr) == 1)
		nr++;
	live_must(errno == EAGAIN);
	for (unsigned int i = 0; i < nr; i++)
		reap(ctx, i);
	return nr;
}

int main(void)
{
	null_fd = open("/dev/null", O_WRONLY);
	aio_context_t some = make(10), empty = make(3), round = make(70), full = make(1);
	unsigned int nr = ((struct ring *)round)->nr, fits = 0;
	for (uint64_t i = 0; i < 5; i++)
		live_must(submit(some, i) == 1);
	reap(some, 0);
	reap(some, 1);
	for (uint64_t i = 0; i < nr - 2; i++) {
		live_must(submit(round, i) == 1);
		reap(round, i);
	}
	for (uint64_t i = 0; i < 4; i++)
		live_must(submit(round, 1000 + i) == 1);
	const struct ring *r = (struct ring *)round;
	live_must(r->tail < r->head);
	while (submit(full, fits) == 1)
		fits++;
	live_ready();
	for (uint64_t i = 2; i < 5; i++)
		reap(some, i);
	for (uint64_t i = 0; i < 4; i++)
		reap(round, 1000 + i);
	for (uint64_t i = 0; i < 3 * nr; i++) {
		live_check(submit(round, i) == 1, "submit %lu: %s", (unsigned long)i,
			   strerror(errno));
		reap(round, i);
	}
	live_check(submit(full, 0) < 0 && errno == EAGAIN, "there is room in a full one");
	for (uint64_t i = 0; i < fits; i++)
		reap(full, i);
	live_check(capacity(full) == fits, "%u requests fit, were %u", capacity(full), fits);
	live_check(submit(empty, 9) == 1, "submit: %s", strerror(errno));
	reap(empty, 9);
	live_check(syscall(SYS_io_destroy, empty) == 0, "destroy: %s", strerror(errno));
	live_check(syscall(SYS_io_destroy, round) == 0, "destroy: %s", strerror(errno));
	live_pass();
}
