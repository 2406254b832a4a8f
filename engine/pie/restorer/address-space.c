/* SPDX-License-Identifier: MIT
 * From the address space the task was born with to the one in the image.
 */
#include <asm/errno.h>
#include <linux/prctl.h>
#include <sys/mman.h>

#include "engine/pie/restorer/parts.h"
#include "engine/pie/syscalls.h"
#include "engine/pie/vma-status.h"
#include "images/vma-status.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

#define SMALL (64u << 10)

static long move(uint64_t from, uint64_t to, uint64_t size)
{
	if (from == to)
		return (long)to;
	return sys(SYS_mremap, from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

/* Already where it belongs. */
static bool is_settled(const struct restorer_vma *v)
{
	return v->premapped && v->premapped == v->start;
}

/*
 * Of memory that waits together with its likes, without cutting it out there: what is left of it
 * has no pages and goes with the whole range. Larger pieces would count twice as memory in use
 * meanwhile.
 */
static long move_out(const struct restorer_vma *v)
{
	uint64_t len = v->end - v->start;
	if (is_settled(v))
		return (long)v->start;
	if ((v->status & VMA_ANON_PRIVATE) && len <= SMALL) {
		long at = sys(SYS_mremap, v->premapped, len, len,
			      MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, v->start);
		if (!sys_failed(at)) /* Linux 5.7 and later */
			return at;
	}
	return move(v->premapped, v->start, len);
}

static int park_kernel_mappings(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_moves; i++) {
		const struct restorer_move *m = &args->moves[i];
		long at = m->park ? move(m->from, m->park, m->size) : 0;
		if (sys_failed(at))
			return restorer_fail(args, "move a kernel mapping away from", m->from, at);
	}
	return 0;
}

static int place_kernel_mappings(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_moves; i++) {
		const struct restorer_move *m = &args->moves[i];
		long at = m->park ? move(m->park, m->to, m->size) : 0;
		if (sys_failed(at))
			return restorer_fail(args, "move a kernel mapping to", m->to, at);
	}
	return 0;
}

/* What stays while the rest is unmapped, in address order. */
struct kept {
	uint64_t start, end;
};

static uint32_t collect_kept(const struct restorer_args *args, struct kept *kept)
{
	uint32_t nr = 0;
	kept[nr++] = (struct kept){ args->self_start, args->self_end };
	if (args->premap_end > args->premap_start)
		kept[nr++] = (struct kept){ args->premap_start, args->premap_end };
	for (uint32_t i = 0; i < args->nr_moves; i++) {
		const struct restorer_move *m = &args->moves[i];
		if (!m->park)
			kept[nr++] = (struct kept){ m->from, m->from + m->size };
	}
	for (uint32_t i = 1; i < nr; i++) {
		for (uint32_t k = i; k && kept[k].start < kept[k - 1].start; k--) {
			struct kept swap = kept[k];
			kept[k] = kept[k - 1];
			kept[k - 1] = swap;
		}
	}
	return nr;
}

/* The lower one of what stays next: of a few ranges, and of mappings that are settled. */
static bool next_kept(const struct restorer_args *args, const struct kept **kept,
		      const struct kept *end, uint32_t *v, struct kept *out)
{
	while (*v < args->nr_vmas && !is_settled(&args->vmas[*v]))
		++*v;
	const struct restorer_vma *vma = *v < args->nr_vmas ? &args->vmas[*v] : 0;
	if (vma && (*kept == end || vma->start < (*kept)->start)) {
		*out = (struct kept){ vma->start, vma->end };
		++*v;
		return true;
	}
	if (*kept == end)
		return false;
	*out = *(*kept)++;
	return true;
}

static int unmap_rest(struct restorer_args *args)
{
	struct kept kept[2 + sizeof(args->moves) / sizeof(args->moves[0])], next;
	const struct kept *k = kept, *end = kept + collect_kept(args, kept);
	uint64_t from = 0;
	uint32_t v = 0;
	for (bool more = true; more;) {
		more = next_kept(args, &k, end, &v, &next);
		uint64_t to = more ? next.start : args->task_size;
		long rc = to > from ? sys(SYS_munmap, from, to - from) : 0;
		if (rc < 0)
			return restorer_fail(args, "unmap what lies at", from, rc);
		if (more && next.end > from)
			from = next.end;
	}
	return 0;
}

static int place(struct restorer_args *args, const struct restorer_vma *v)
{
	uint64_t len = v->end - v->start;
	if (v->premapped) {
		long at = move_out(v);
		return sys_failed(at) ? restorer_fail(args, "move memory to", v->start, at) : 0;
	}
	/* locked only after the advice: MAP_LOCKED would bring every page in at once */
	uint32_t flags = (v->flags & ~MAP_LOCKED) | MAP_FIXED_NOREPLACE;
	long at = sys(SYS_mmap, v->start, len, v->prot, flags, (long)v->fd, v->pgoff);
	if (sys_failed(at) || (uint64_t)at != v->start)
		return restorer_fail(args, "map memory at", v->start, sys_failed(at) ? at : -17);
	return 0;
}

int restore_advice(struct restorer_args *args, const struct restorer_vma *v)
{
	uint64_t len = v->end - v->start;
	for (unsigned advice = 0; advice < 64 && v->madv >> advice; advice++) {
		if (!(v->madv & (UINT64_C(1) << advice)))
			continue;
		long rc = sys(SYS_madvise, v->start, len, advice);
		if (rc < 0)
			return restorer_fail(args, "give advice on memory at", v->start, rc);
	}
	if (v->policy) { /* what is there already comes from where it should */
		const struct numa_policy *p = &args->policies[v->policy - 1];
		long rc =
		    sys(SYS_mbind, v->start, len, p->mode, p->nodes, NUMA_MAX_NODE, NUMA_MOVE);
		if (rc < 0)
			return restorer_fail(args, "set the NUMA policy of memory at", v->start,
					     rc);
	}
	if (!(v->flags & MAP_LOCKED))
		return 0;
	long rc = sys(SYS_mlock2, v->start, len, v->status & VMA_LOCK_ONFAULT ? MLOCK_ONFAULT : 0);
	/* locked, but a page cannot come in: no access allowed, or beyond the end of a file */
	if (rc == -ENOMEM && (!v->prot || !(v->flags & MAP_ANONYMOUS)))
		rc = 0;
	return rc < 0 ? restorer_fail(args, "lock memory at", v->start, rc) : 0;
}

static int restore_vma(struct restorer_args *args, const struct restorer_vma *v)
{
	if (v->status & VMA_AREA_GUARD) {
		long rc = sys(SYS_madvise, v->start, v->end - v->start, MADV_GUARD_INSTALL);
		return rc < 0 ? restorer_fail(args, "install guard pages at", v->start, rc) : 0;
	}
	if (v->status & VMA_UNMOVABLE)
		return 0;
	int rc = place(args, v);
	if (rc == 0)
		rc = restore_advice(args, v);
	if (v->fd >= 0 && v->close_fd)
		sys(SYS_close, (long)v->fd);
	return rc;
}

int restore_address_space(struct restorer_args *args)
{
	int rc;
	if ((rc = park_kernel_mappings(args)) < 0 || (rc = unmap_rest(args)) < 0 ||
	    (rc = place_kernel_mappings(args)) < 0)
		return rc;
	for (uint32_t i = 0; i < args->nr_vmas; i++) {
		rc = restore_vma(args, &args->vmas[i]);
		if (rc < 0)
			return rc;
	}
	/* parked or premapped leftovers; nothing of the task may lie in this range */
	uint64_t len = args->premap_end - args->premap_start;
	if (len)
		rc = (int)sys(SYS_munmap, args->premap_start, len);
	if (rc < 0)
		return restorer_fail(args, "unmap what lies at", args->premap_start, rc);
	return restore_unmovable(args);
}

int seal_memory(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_vmas; i++) {
		const struct restorer_vma *v = &args->vmas[i];
		if (!(v->status & VMA_SEALED))
			continue;
		long rc = sys(SYS_mseal, v->start, v->end - v->start, 0);
		if (rc < 0 && rc != -ENOSYS) /* of which a warning has told */
			return restorer_fail(args, "seal memory at", v->start, rc);
	}
	return 0;
}

int restore_mm_fields(struct restorer_args *args)
{
	struct prctl_mm_map map = {
		.start_code = args->start_code,
		.end_code = args->end_code,
		.start_data = args->start_data,
		.end_data = args->end_data,
		.start_brk = args->start_brk,
		.brk = args->brk,
		.start_stack = args->start_stack,
		.arg_start = args->arg_start,
		.arg_end = args->arg_end,
		.env_start = args->env_start,
		.env_end = args->env_end,
		.auxv = (__u64 *)args->auxv,
		.auxv_size = args->auxv_size,
		.exe_fd = (__u32)args->exe_fd,
	};
	long rc = sys(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0);
	return rc < 0 ? restorer_fail(args, "set the fields of its address space (PR_SET_MM_MAP)",
				      0, rc)
		      : 0;
}
