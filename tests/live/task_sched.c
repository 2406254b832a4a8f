/* SPDX-License-Identifier: MIT
 * Scheduling policy, priority and nice of every thread.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

struct kind {
	int policy, priority, nice;
};
static const struct kind kinds[] = {
	{ SCHED_OTHER, 0, 5 },  { SCHED_BATCH, 0, -4 }, { SCHED_IDLE, 0, 3 },
	{ SCHED_RR, 7, 0 },     { SCHED_FIFO, 2, 1 },   { SCHED_RR | SCHED_RESET_ON_FORK, 4, 0 },
	{ SCHED_OTHER, 0, 19 },
};
#define NR (sizeof(kinds) / sizeof(kinds[0]))

static pthread_barrier_t barrier;

static void become(const struct kind *k)
{
	struct sched_param p = { .sched_priority = k->priority };
	live_must(setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), k->nice) == 0);
	live_must(syscall(SYS_sched_setscheduler, 0, k->policy, &p) == 0);
}

static void check(const struct kind *k)
{
	struct sched_param p;
	long policy = syscall(SYS_sched_getscheduler, 0);
	live_must(syscall(SYS_sched_getparam, 0, &p) == 0);
	int nice = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid));
	live_check(policy == k->policy, "policy is %#lx, was %#x", policy, k->policy);
	live_check(p.sched_priority == k->priority, "priority of policy %#x is %d, was %d",
		   k->policy, p.sched_priority, k->priority);
	live_check(nice == k->nice, "nice of policy %#x is %d, was %d", k->policy, nice, k->nice);
}

static void *thread(void *arg)
{
	become(arg);
	pthread_barrier_wait(&barrier);
	live_wait();
	check(arg);
	return NULL;
}

int main(void)
{
	pthread_t threads[NR];
	pthread_barrier_init(&barrier, NULL, NR);
	for (size_t i = 1; i < NR; i++)
		live_must(pthread_create(&threads[i], NULL, thread, (void *)&kinds[i]) == 0);
	become(&kinds[0]);
	pthread_barrier_wait(&barrier);
	live_ready();
	check(&kinds[0]);
	for (size_t i = 1; i < NR; i++)
		pthread_join(threads[i], NULL);
	live_pass();
}
