/* SPDX-License-Identifier: MIT
 * Mappings whose place only the kernel may choose: rings of io_uring refuse an address, and to be
 * moved (since Linux 6.3). So everything else is filled up first, with nothing; then their place is
 * the only one left.
 */
#include <asm/errno.h>
#include <sys/mman.h>

#include "engine/pie/restorer/parts.h"
#include "engine/pie/syscalls.h"
#include "engine/pie/vma-status.h"
#include "images/vma-status.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define LOWEST     0x10000ull /* below, the kernel may not allow anything (vm.mmap_min_addr) */
#define CHOICE_END 0x7ffffffff000ull /* it chooses nothing above, whatever the machine has */

struct span {
	uint64_t start, end;
};

/* The lower one of two that end above `at`; an empty one is none. */
static struct span lower(struct span a, struct span b, uint64_t at)
{
	if (b.end <= at || b.start >= b.end)
		return a;
	return b.start < a.start ? b : a;
}

/* The first that is occupied above `at`. @param next  in the table, which is sorted: kept */
static struct span occupied(const struct restorer_args *args, uint64_t at, int with_unmovable,
			    uint32_t *next)
{
	struct span found = { CHOICE_END, CHOICE_END };
	for (; *next < args->nr_vmas; (*next)++) {
		const struct restorer_vma *v = &args->vmas[*next];
		if (v->end <= at || (v->status & VMA_AREA_GUARD) ||
		    (!with_unmovable && (v->status & VMA_UNMOVABLE)))
			continue;
		found = lower(found, (struct span){ v->start, v->end }, at);
		break;
	}
	found = lower(found, (struct span){ args->self_start, args->self_end }, at);
	for (uint32_t i = 0; i < args->nr_moves; i++) {
		const struct restorer_move *m = &args->moves[i];
		uint64_t start = m->park ? m->to : m->from;
		found = lower(found, (struct span){ start, start + m->size }, at);
	}
	return found;
}

static int fill_gaps(struct restorer_args *args)
{
	uint32_t next = 0;
	for (uint64_t at = LOWEST; at < CHOICE_END;) {
		struct span s = occupied(args, at, 0, &next);
		long rc =
		    s.start > at
			? sys(SYS_mmap, at, s.start - at, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
			      0)
			: 0;
		if (sys_failed(rc))
			return restorer_fail(args, "keep the kernel from mapping at", at, rc);
		at = s.end;
	}
	return 0;
}

static int clear_gaps(struct restorer_args *args)
{
	uint32_t next = 0;
	for (uint64_t at = LOWEST; at < CHOICE_END;) {
		struct span s = occupied(args, at, 1, &next);
		long rc = s.start > at ? sys(SYS_munmap, at, s.start - at) : 0;
		if (rc < 0)
			return restorer_fail(args, "unmap what lies at", at, rc);
		at = s.end;
	}
	return 0;
}

static int map(struct restorer_args *args, const struct restorer_vma *v)
{
	uint64_t len = v->end - v->start;
	long at = sys(SYS_munmap, v->start, len);
	if (at == 0)
		at = sys(SYS_mmap, 0, len, v->prot, v->flags & (MAP_SHARED | MAP_PRIVATE),
			 (long)v->fd, v->pgoff);
	if (sys_failed(at) || (uint64_t)at != v->start)
		return restorer_fail(args, "map a ring at", v->start,
				     sys_failed(at) ? at : -EADDRNOTAVAIL);
	return restore_advice(args, v);
}

int restore_unmovable(struct restorer_args *args)
{
	uint32_t nr = 0;
	for (uint32_t i = 0; i < args->nr_vmas; i++)
		nr += (args->vmas[i].status & VMA_UNMOVABLE) != 0;
	int rc = nr ? fill_gaps(args) : 0;
	for (uint32_t i = 0; nr && rc == 0 && i < args->nr_vmas; i++)
		rc = args->vmas[i].status & VMA_UNMOVABLE ? map(args, &args->vmas[i]) : 0;
	return nr && rc == 0 ? clear_gaps(args) : rc;
}
