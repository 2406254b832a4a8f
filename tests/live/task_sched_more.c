/* SPDX-License-Identifier: MIT
 * Scheduling that images of CRIU have no fields for: deadline, slice, I/O priority, CPUs, and the
 * nice value of a session.
 * live-modes: SS RR 2S
 */
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

#define DEADLINE   6
#define MS         1000000ull
#define IDLE_IO    (3 << 13)
#define BEST_IO    (2 << 13 | 6)
#define NICE_OF_IT 7

struct attr {
	unsigned size, policy;
	unsigned long long flags;
	int nice;
	unsigned priority;
	unsigned long long runtime, deadline, period;
	unsigned util_min, util_max;
};

static pthread_barrier_t barrier;
static int has_slices, has_deadline;

static struct attr get(void)
{
	struct attr a = { 0 };
	live_must(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) == 0);
	return a;
}

static int set(struct attr a)
{
	a.size = sizeof(a);
	return (int)syscall(SYS_sched_setattr, 0, &a, 0);
}

static int autogroup_nice(int want)
{
	int nice = -100;
	FILE *f = fopen("/proc/self/autogroup", want ? "w" : "r");
	live_must(f);
	if (want)
		live_must(fprintf(f, "%d", want) > 0);
	else
		live_must(fscanf(f, "/autogroup-%*u nice %d", &nice) == 1);
	live_must(fclose(f) == 0);
	return nice;
}

static void *deadline(void *arg)
{
	(void)arg;
	struct attr a = {
		.policy = DEADLINE, .runtime = 2 * MS, .deadline = 50 * MS, .period = 100 * MS
	};
	has_deadline = set(a) == 0;
	pthread_barrier_wait(&barrier);
	live_wait();
	struct attr now = get();
	live_check(!has_deadline || (now.policy == DEADLINE && now.runtime == a.runtime &&
				     now.deadline == a.deadline && now.period == a.period),
		   "policy %u, runtime %llu, deadline %llu, period %llu", now.policy, now.runtime,
		   now.deadline, now.period);
	return NULL;
}

static void *pinned(void *arg)
{
	(void)arg;
	cpu_set_t one, now;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	live_must(sched_setaffinity(0, sizeof(one), &one) == 0);
	live_must(syscall(SYS_ioprio_set, 1, 0, IDLE_IO) == 0);
	struct attr a = get();
	has_slices = a.runtime != 0; /* Linux 6.12 */
	a.runtime = 7 * MS;
	live_must(!has_slices || set(a) == 0);
	pthread_barrier_wait(&barrier);
	live_wait();
	live_must(sched_getaffinity(0, sizeof(now), &now) == 0);
	live_check(CPU_EQUAL(&one, &now), "may run on %d CPUs", CPU_COUNT(&now));
	long io = syscall(SYS_ioprio_get, 1, 0);
	live_check(io == IDLE_IO, "I/O priority of the thread is %#lx", io);
	live_check(!has_slices || get().runtime == 7 * MS, "slice is %llu", get().runtime);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	cpu_set_t all, now;
	pthread_barrier_init(&barrier, NULL, 3);
	live_must(sched_getaffinity(0, sizeof(all), &all) == 0);
	live_must(pthread_create(&threads[0], NULL, deadline, NULL) == 0);
	live_must(pthread_create(&threads[1], NULL, pinned, NULL) == 0);
	live_must(syscall(SYS_ioprio_set, 1, 0, BEST_IO) == 0);
	int grouped = access("/proc/self/autogroup", W_OK) == 0;
	if (grouped)
		autogroup_nice(NICE_OF_IT);
	pthread_barrier_wait(&barrier);
	unsigned long long slice = get().runtime;

	live_ready();

	long io = syscall(SYS_ioprio_get, 1, 0);
	live_check(io == BEST_IO, "I/O priority is %#lx", io);
	live_must(sched_getaffinity(0, sizeof(now), &now) == 0);
	live_check(CPU_EQUAL(&all, &now), "%d CPUs, were %d", CPU_COUNT(&now), CPU_COUNT(&all));
	live_check(get().runtime == slice, "slice was %llu, is %llu", slice, get().runtime);
	live_check(!grouped || autogroup_nice(0) == NICE_OF_IT, "nice value of the session is %d",
		   autogroup_nice(0));
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	live_pass();
}
