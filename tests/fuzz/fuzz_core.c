/* SPDX-License-Identifier: MIT
 * Any bytes as a core image's entry: refused, or fit for everything a restore does with it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/mem/arena.h"
#include "engine/task/core.h"
#include "engine/task/parts.h"

/* Instead of the engine's, which reserves addresses: a piece of heap, exactly as large as said. */
struct arena {
	char *bytes;
	size_t size, used;
};

void *arena_alloc(struct arena *a, size_t size, size_t align)
{
	size_t at = (a->used + align - 1) / align * align;
	if (at > a->size || size > a->size - at)
		abort(); /* task_args_size() is too small */
	a->used = at + size;
	return a->bytes + at;
}

static void fill(struct rtask *t, const struct arch_cpu *cpu)
{
	const CoreEntry *core = t->cores[0];
	struct restorer_args args = { 0 };
	struct restorer_thread thread = { 0 };
	signals_fill(core->tc, t->arena, &args, NULL);
	timers_fill(core->tc->timers, t->arena, &args, NULL);
	signals_fill_thread(core->thread_core, t->arena, &thread, NULL);
	creds_fill(core->thread_core->creds, t->arena, &thread.creds, NULL);
	sched_fill(core->thread_core, &thread);
	misc_fill_thread(core->thread_core, &thread);

	struct arch_regs regs = { 0 };
	if (arch_regs_of_core(cpu, core, &regs, NULL) < 0)
		abort();
	arch_regs_fini(&regs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arch_cpu cpu = { 0 };
	uint32_t tid = 1;
	CoreEntry *core = core_entry__unpack(NULL, size, data);
	struct rtask t = { .pid = 1, .tids = &tid, .nr_threads = 1, .cores = &core };
	if (!core)
		return 0;
	arch_cpu_probe(&cpu);
	if (core_check(&t, 0, &cpu, NULL) == 0 && t.state != TASK_ZOMBIE) {
		struct arena a = { .size = task_args_size(&t) };
		a.bytes = calloc(1, a.size);
		t.arena = &a;
		if (a.bytes)
			fill(&t, &cpu);
		free(a.bytes);
	}
	core_entry__free_unpacked(core, NULL);
	return 0;
}
