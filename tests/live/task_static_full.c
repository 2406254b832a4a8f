/* SPDX-License-Identifier: MIT
 * A static program whose code fills its last page to the end, with threads: only the vdso has
 * unused bytes, and behind its code lie a comment and section headers first.
 * live-link: static
 */
#include <pthread.h>
#include <stdint.h>

#include "tests/live/live.h"

#define NR 20

/* What ends a program is the last of its code; these do nothing there. */
__asm__(".pushsection .fini, \"ax\", @progbits\n"
	"	.balign 4096, 0x90\n"
	"	.globl filled\n"
	"filled:	.fill 4096 - 64, 1, 0x90\n"
	"	.popsection\n");
extern const char filled[];

static __thread int own;
static pthread_barrier_t barrier;

static void *thread(void *arg)
{
	own = (int)(intptr_t)arg;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	live_check(own == (int)(intptr_t)arg, "thread %d has %d", (int)(intptr_t)arg, own);
	return NULL;
}

/* In a page of its own, with nothing executable behind. */
static void check_filled(void)
{
	unsigned long from, to, at = (unsigned long)filled;
	char line[256], flags[8];
	FILE *maps = fopen("/proc/self/maps", "re");
	live_must(maps);
	int found = 0;
	while (!found && fgets(line, sizeof(line), maps))
		found =
		    sscanf(line, "%lx-%lx %7s", &from, &to, flags) == 3 && at >= from && at < to;
	fclose(maps);
	live_check(found && flags[2] == 'x' && to == at + 4096, "filled at %lx: %s", at, line);
}

int main(void)
{
	pthread_t threads[NR];
	live_must(pthread_barrier_init(&barrier, NULL, NR + 1) == 0);
	check_filled();
	for (int i = 0; i < NR; i++)
		live_must(pthread_create(&threads[i], NULL, thread, (void *)(intptr_t)i) == 0);
	pthread_barrier_wait(&barrier);
	live_ready();
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < NR; i++)
		live_must(pthread_join(threads[i], NULL) == 0);
	live_pass();
}
