/* SPDX-License-Identifier: MIT
 * What a killed engine left in a task. It heals itself within milliseconds, but a stopped task
 * only when it is continued, and a signal handler may run just before the last instructions.
 */
#include "engine/trace/leftover.h"

#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "engine/arch/inject.h"

#define STACK_LOOK (64 << 10) /* a signal frame and what its handler has called */
#define BLOB_LOOK  64         /* so many bytes tell the parasite from anything else */

extern const char pie_parasite_start[];

/* A saved instruction pointer in the signal frames above the stack pointer. */
static bool stack_leads_to(const struct task *t, uint64_t sp, const struct padding *p)
{
	uint64_t words[512];
	const struct vma *v = vma_list_find(&t->vmas, sp);
	uint64_t end = v && v->end - sp > STACK_LOOK ? sp + STACK_LOOK : v ? v->end : sp;
	for (uint64_t at = sp & ~7ull; at < end; at += sizeof(words)) {
		size_t want = end - at < sizeof(words) ? end - at : sizeof(words);
		ssize_t n = fd_pread_full(t->mem_fd, words, want, (off_t)at);
		for (ssize_t i = 0; i < n / 8; i++) {
			if (words[i] - p->addr < p->len)
				return true;
		}
		if (n < (ssize_t)want)
			break;
	}
	return false;
}

bool leftover_in_use(const struct task *t, const struct padding *p)
{
	for (size_t i = 0; i < t->nr_threads; i++) {
		const struct arch_regs *regs = &t->threads[i].regs;
		if (inject_ip_within(regs, p->addr, p->addr + p->len) ||
		    stack_leads_to(t, inject_stack(regs), p))
			return true;
	}
	return false;
}

bool leftover_parasite(const struct task *t)
{
	char buf[BLOB_LOOK];
	for (size_t i = 0; i < t->vmas.nr; i++) {
		const struct vma *v = &t->vmas.items[i];
		if (!(v->status & VMA_ANON_PRIVATE) || !(v->prot & PROT_EXEC))
			continue;
		if (fd_pread_full(t->mem_fd, buf, sizeof(buf), (off_t)v->start) == sizeof(buf) &&
		    !memcmp(buf, pie_parasite_start, sizeof(buf)))
			return true;
	}
	return false;
}
