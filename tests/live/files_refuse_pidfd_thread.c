/* SPDX-License-Identifier: MIT
 * A pidfd of a thread of the tree is refused, saying whose it is.
 * live-refuse: threads other than the first are made last
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

static volatile int tid;

static void *stay(void *arg)
{
	tid = (int)syscall(SYS_gettid);
	for (;;)
		pause();
	return arg;
}

int main(void)
{
	pthread_t thread;
	live_must(pthread_create(&thread, NULL, stay, NULL) == 0);
	while (!tid)
		live_sleep_ms(1);
	live_must(syscall(SYS_pidfd_open, tid, PIDFD_THREAD) >= 0);
	live_ready();
	live_pass();
}
