/* SPDX-License-Identifier: MIT
 * A thread that has left the network namespace of its task.
 * live-link: -pthread
 * live-refuse: is in another net namespace
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "tests/live/live.h"

#ifndef LEAVES /* others include this */
#define LEAVES CLONE_NEWNET
#endif

static sem_t left;

static void *leave(void *arg)
{
	live_must(unshare(LEAVES) == 0);
	sem_post(&left);
	live_wait();
	return arg;
}

int main(void)
{
	pthread_t thread;
	live_must(sem_init(&left, 0, 0) == 0);
	live_must(pthread_create(&thread, NULL, leave, NULL) == 0);
	while (sem_wait(&left) < 0)
		;
	live_ready();
	live_pass();
}
