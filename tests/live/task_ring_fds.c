/* SPDX-License-Identifier: MIT
 * A ring of io_uring that threads have registered for themselves, under different indexes.
 * live-modes: SS RR 2S
 * live-skip: [ "$(cat /proc/sys/kernel/io_uring_disabled || echo 0)" = 0 ]
 */
#include <linux/io_uring.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

static pthread_barrier_t barrier;
static int ring;

static void add(unsigned index)
{
	struct {
		unsigned offset, reserved;
		unsigned long long fd;
	} update = { index, 0, (unsigned)ring };
	live_must(syscall(SYS_io_uring_register, ring, 20, &update, 1) == 1);
}

static long use(int index)
{
	long rc = syscall(SYS_io_uring_enter, index, 0, 0, 1 << 4, NULL, 0);
	return rc < 0 ? -errno : rc;
}

static void *thread(void *arg)
{
	(void)arg;
	add(2);
	add(9);
	pthread_barrier_wait(&barrier);
	live_wait();
	live_check(use(2) == 0 && use(9) == 0, "the thread's indexes: %ld %ld", use(2), use(9));
	live_check(use(0) == -EBADF, "index 0 of the thread: %ld", use(0));
	return NULL;
}

int main(void)
{
	struct io_uring_params p = { 0 };
	pthread_t other;
	ring = (int)syscall(SYS_io_uring_setup, 4, &p);
	live_must(ring >= 0);
	pthread_barrier_init(&barrier, NULL, 2);
	live_must(pthread_create(&other, NULL, thread, NULL) == 0);
	add(0);
	pthread_barrier_wait(&barrier);

	live_ready();

	live_check(use(0) == 0, "index 0: %ld", use(0));
	live_check(use(2) == -EBADF, "index 2: %ld", use(2));
	pthread_join(other, NULL);
	live_pass();
}
