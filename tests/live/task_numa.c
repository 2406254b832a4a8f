/* SPDX-License-Identifier: MIT
 * Policies for memory on several nodes (NUMA), of threads and of mappings. The calls are told and
 * take them on a machine with one node, too.
 * live-modes: SS RR 2S
 * live-link: -pthread
 * live-skip: [ -e /sys/devices/system/node/node0 ]
 */
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define PAGE 4096ul
#define LEN  (8 * PAGE)

struct policy {
	int mode;
	unsigned long nodes[16];
};

static struct policy policy_of(const void *addr)
{
	struct policy p = { -1, { 0 } };
	live_must(syscall(SYS_get_mempolicy, &p.mode, p.nodes, 1025ul, addr,
			  addr ? MPOL_F_ADDR : 0) == 0);
	return p;
}

static void set_policy(int mode, unsigned long nodes)
{
	live_must(syscall(SYS_set_mempolicy, mode, &nodes, 64ul) == 0);
}

static void expect(const char *what, const void *addr, int mode, unsigned long nodes)
{
	struct policy p = policy_of(addr);
	live_check(p.mode == mode && p.nodes[0] == nodes, "%s: mode %#x, nodes %#lx", what, p.mode,
		   p.nodes[0]);
}

static void bind_memory(void *addr, size_t len, int mode, unsigned long nodes)
{
	live_must(
	    syscall(SYS_mbind, addr, len, mode, nodes ? &nodes : NULL, nodes ? 64ul : 0ul, 0) == 0);
}

static char *map(int flags)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	live_must(p != MAP_FAILED);
	memset(p, 0x5a, LEN);
	return p;
}

static pthread_barrier_t set_up;

/* A thread has the policy of who made it until it sets its own. */
static void *interleave(void *arg)
{
	set_policy(MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, 1);
	pthread_barrier_wait(&set_up);
	live_wait();
	expect("the second thread", NULL, MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, 1);
	return arg;
}

static void *by_default(void *arg)
{
	set_policy(MPOL_DEFAULT, 0);
	pthread_barrier_wait(&set_up);
	live_wait();
	expect("the third thread", NULL, MPOL_DEFAULT, 0);
	return arg;
}

int main(void)
{
	pthread_t threads[2];
	pthread_barrier_init(&set_up, NULL, 3);
	char *private = map(MAP_PRIVATE), *shared = map(MAP_SHARED), *split = map(MAP_PRIVATE);
	bind_memory(private, LEN, MPOL_BIND, 1);
	bind_memory(shared, LEN, MPOL_PREFERRED, 1);
	bind_memory(split + 2 * PAGE, PAGE, MPOL_INTERLEAVE, 1);
	bind_memory(split + 5 * PAGE, PAGE, MPOL_LOCAL, 0);
	set_policy(MPOL_PREFERRED, 1);
	live_must(pthread_create(&threads[0], NULL, interleave, NULL) == 0);
	live_must(pthread_create(&threads[1], NULL, by_default, NULL) == 0);
	pthread_barrier_wait(&set_up);

	live_ready();

	expect("the first thread", NULL, MPOL_PREFERRED, 1);
	expect("private memory", private + PAGE, MPOL_BIND, 1);
	expect("shared memory", shared, MPOL_PREFERRED, 1);
	for (unsigned i = 0; i < LEN / PAGE; i++)
		expect("divided memory", split + i * PAGE,
		       i == 2   ? MPOL_INTERLEAVE
		       : i == 5 ? MPOL_LOCAL
				: MPOL_DEFAULT,
		       i == 2);
	for (size_t i = 0; i < LEN; i++)
		live_check(private[i] == 0x5a && shared[i] == 0x5a && split[i] == 0x5a,
			   "contents differ at %zu", i);
	for (int i = 0; i < 2; i++)
		live_must(pthread_join(threads[i], NULL) == 0);
	live_pass();
}
