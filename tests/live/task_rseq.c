/* SPDX-License-Identifier: MIT
 * Threads spinning inside restartable sequences: a freeze sends each to its abort handler, for in
 * a sequence that goes on the processor never changes.
 */
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>

#include "tests/live/live.h"

#define NR 3

static volatile int stop;
static volatile unsigned long aborts[NR], broken[NR];

static struct rseq *area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/* Ends by an abort, by `stop`, or when the processor changed under it. */
static void sequence(struct rseq *rs, volatile unsigned long *aborted,
		     volatile unsigned long *changed)
{
	__asm__ volatile(
	    ".pushsection .data.rel.rseq_cs, \"aw\"\n"
	    ".balign 32\n"
	    "3: .long 0, 0\n"
	    ".quad 1f, 2f - 1f, 4f\n"
	    ".popsection\n"
	    "lea 3b(%%rip), %%rax\n"
	    "mov %%rax, 8(%[rs])\n"
	    "1: mov 4(%[rs]), %%ecx\n"
	    "6: pause\n"
	    "cmp 4(%[rs]), %%ecx\n"
	    "jne 7f\n"
	    "cmpl $0, %[stop]\n"
	    "je 6b\n"
	    "jmp 5f\n"
	    "7: incq (%[changed])\n"
	    "2: jmp 5f\n"
	    ".byte 0x0f, 0xb9, 0x3d\n"
	    ".long 0x53053053\n"
	    "4: incq (%[aborted])\n"
	    "5:\n"
	    :
	    : [rs] "r"(rs), [aborted] "r"(aborted), [changed] "r"(changed), [stop] "m"(stop)
	    : "rax", "rcx", "memory", "cc");
}

static void *spinner(void *arg)
{
	int i = (int)(intptr_t)arg;
	struct rseq *rs = area();
	while (!stop)
		sequence(rs, &aborts[i], &broken[i]);
	live_check((int)rs->cpu_id >= 0, "thread %d: the kernel does not know its area", i);
	return NULL;
}

int main(void)
{
	pthread_t threads[NR];
	live_must(__rseq_size > 0);
	for (int i = 0; i < NR; i++)
		live_must(pthread_create(&threads[i], NULL, spinner, (void *)(intptr_t)i) == 0);
	live_sleep_ms(20);

	live_ready();

	unsigned long before[NR];
	for (int i = 0; i < NR; i++)
		before[i] = aborts[i];
	live_sleep_ms(200);
	unsigned long more = 0;
	for (int i = 0; i < NR; i++)
		more += aborts[i] - before[i];
	stop = 1;
	for (int i = 0; i < NR; i++) {
		pthread_join(threads[i], NULL);
		live_check(!broken[i], "thread %d went on in a sequence on another processor", i);
	}
	live_check(more > 0, "no sequence was aborted after the restore");
	live_pass();
}
