/* SPDX-License-Identifier: MIT
 * Where mappings are made before the old address space goes: nearly always at once where they
 * belong, as little of this program is in the way. What a task inherits just stays there.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/page.h"
#include "engine/context/shortage.h"
#include "engine/files/file.h"
#include "engine/mem/huge.h"
#include "engine/mem/mem.h"
#include "engine/mem/own.h"
#include "engine/mem/premap.h"
#include "engine/mem/shmem.h"
#include "engine/mem/sysv.h"
#include "engine/mem/uapi.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define HUGE    (2ull << 20)   /* page tables move whole when both ends agree below it */
#define LOWEST  0x100000000ull /* above what 32-bit habits use */
#define HIGHEST 0x7fff00000000ull
#define PARK    (64ull << 10) /* room for vdso and vvar at the start of the range */
#define STACK_ROOM                                                                                 \
	(16ull << 20) /* below the stack of this program, to grow and for its guard gap */

static void *addr(uint64_t at)
{
	return (void *)(uintptr_t)at;
}

int mem_file_of(struct restore *r, const struct vma *v, struct error *err)
{
	if (v->status & VMA_AREA_SOCKET)
		return files_get(r, (uint32_t)v->shmid, err);
	uint32_t flags = v->has_fdflags                                            ? v->fdflags
			 : v->status & VMA_FILE_PRIVATE || !(v->prot & PROT_WRITE) ? O_RDONLY
										   : O_RDWR;
	return files_get_mapped(r, v->shmid, flags, err);
}

int mem_source_of(struct restore *r, const struct vma *v, struct error *err)
{
	if (v->status & VMA_ANON_PRIVATE)
		return -1;
	if (v->status & VMA_ANON_SHARED) {
		int fd = shmem_fd(r->shmem, v->shmid);
		return fd >= 0 ? fd
			       : error_set(err, EBADMSG, "no shared segment %lu",
					   (unsigned long)v->shmid);
	}
	return mem_file_of(r, v, err);
}

/*
 * @param at     where
 * @param fixed  MAP_FIXED or MAP_FIXED_NOREPLACE
 * @return 1; 0: something is there already; -errno
 */
static int map_fresh(struct premap *p, const struct place *pl, uint64_t at, int fixed,
		     struct error *err)
{
	const struct vma *v = pl->vma;
	int flags = (int)(v->flags & MEM_MAP_FLAGS);
	int fd = mem_source_of(p->r, v, err);

	if (fd < 0 && !(v->status & VMA_ANON_PRIVATE))
		return fd;
	/* A segment's file is no anonymous memory any more: its offset counts. */
	if (v->status & VMA_ANON_PRIVATE)
		flags |= MAP_ANONYMOUS | (int)(v->flags & (MAP_HUGETLB | HUGE_MASK));
	if (mmap(addr(at), vma_len(v), (int)place_prot(pl), flags | fixed, fd,
		 fd < 0 ? 0 : (off_t)v->pgoff) != MAP_FAILED)
		return 1;
	if (errno == EEXIST)
		return 0;
	return error_sys(err, "map %s of %lu bytes%s", vma_kind(v), (unsigned long)vma_len(v),
			 v->flags & MAP_HUGETLB ? " (are there enough huge pages?)"
						: shortage_of_maps(errno));
}

/* This program's stack may still grow: nothing must be in its way. */
static bool is_below_stack(const struct vma *v)
{
	uint64_t here = (uintptr_t)__builtin_frame_address(0);

	return v->start < here && v->end > here - STACK_ROOM;
}

static uint64_t inherited_at(const struct place *pl)
{
	return pl->from->premapped + (pl->vma->start - pl->from->start);
}

static uint64_t inherited_len(const struct place *pl)
{
	const struct vma *v = pl->vma, *o = pl->from;

	return (v->end < o->end ? v->end : o->end) - v->start;
}

static int protect_inherited(const struct place *pl, struct error *err)
{
	const struct vma *v = pl->vma;

	if (v->prot != pl->from->prot && mprotect(addr(v->premapped), vma_len(v), v->prot) < 0)
		return error_sys(err, "protect memory inherited from the parent");
	return 0;
}

/* Into the range, where there is room for it. */
static int move_inherited(const struct place *pl, struct error *err)
{
	const struct vma *v = pl->vma;

	if (mremap(addr(inherited_at(pl)), inherited_len(pl), vma_len(v),
		   MREMAP_MAYMOVE | MREMAP_FIXED, addr(v->premapped)) == MAP_FAILED)
		return error_sys(err, "move memory inherited from the parent");
	return protect_inherited(pl, err);
}

/* @return 1: it is in its place; 0: that is not free; -errno */
static int settle(struct premap *p, struct place *pl, struct error *err)
{
	struct vma *v = pl->vma;
	int rc;

	if (pl->from) {
		uint64_t has = inherited_len(pl);
		if (pl->from->premapped != pl->from->start ||
		    (has < vma_len(v) && mremap(addr(v->start), has, vma_len(v), 0) == MAP_FAILED))
			return 0;
		v->premapped = v->start;
		rc = protect_inherited(pl, err);
		return rc < 0 ? rc : 1;
	}
	if (!v->start || (v->status & VMA_AREA_SYSVIPC) || is_below_stack(v))
		return 0;
	rc = map_fresh(p, pl, v->start, MAP_FIXED_NOREPLACE, err);
	if (rc > 0)
		v->premapped = v->start;
	return rc;
}

/* Those of the parent that are where they belong and of which the task has nothing, or less. */
static void drop_unwanted(const struct premap *p, const struct rtask *parent)
{
	const struct vma_list *vmas = &p->t->vmas;

	for (size_t i = 0, j = 0; i < parent->vmas.nr; i++) {
		const struct vma *o = &parent->vmas.items[i];
		uint64_t at = o->start;
		if (!o->premapped || o->premapped != o->start)
			continue;
		while (j < vmas->nr && vmas->items[j].end <= o->start)
			j++;
		for (size_t k = j; k < vmas->nr && vmas->items[k].start < o->end; k++) {
			if (p->places[k].from != o)
				continue;
			if (vmas->items[k].start > at)
				munmap(addr(at), vmas->items[k].start - at);
			at = vmas->items[k].end;
		}
		if (at < o->end)
			munmap(addr(at), o->end - at);
	}
}

/* Empty memory it can make itself, when nothing is in the way any more. */
static bool is_left_to_restorer(const struct place *pl)
{
	return (pl->vma->status & VMA_ANON_PRIVATE) && !pl->nr && !pl->apart;
}

/* Downwards: each then comes last in what is free in the tree of the kernel, which is quicker. */
static int settle_all(struct premap *p, struct error *err)
{
	for (size_t i = p->t->vmas.nr; i-- > 0;) {
		struct place *pl = &p->places[i];
		int rc = pl->wanted ? settle(p, pl, err) : 1;
		if (rc < 0)
			return error_wrap(err, rc, TASK_FMT ": mapping %#lx", RTASK_ARGS(p->t),
					  (unsigned long)pl->vma->start);
		if (rc > 0 || is_left_to_restorer(pl))
			continue;
		p->order[p->nr_order++] = pl;
		if ((pl->vma->flags & MAP_HUGETLB) && huge_size(pl->vma->flags) > p->align)
			p->align = huge_size(pl->vma->flags);
	}
	return 0;
}

static uint64_t place_at(const struct place *pl, uint64_t at)
{
	const struct vma *v = pl->vma;

	if (pl->apart)
		at += PAGE;
	if (v->flags & MAP_HUGETLB)
		return at + (-at & (huge_size(v->flags) - 1));
	if (vma_len(v) < HUGE)
		return at;
	return at + ((v->start - at) & (HUGE - 1));
}

/* Offsets in the range. @return bytes needed */
static uint64_t lay_out(struct premap *p)
{
	uint64_t at = PARK;

	for (size_t i = 0; i < p->nr_order; i++) {
		const struct place *pl = p->order[i];
		pl->vma->premapped = place_at(pl, at);
		at = pl->vma->premapped + vma_len(pl->vma) + (pl->apart ? PAGE : 0);
	}
	return at;
}

static bool is_small(const struct range *range)
{
	return range->end - range->start == PARK;
}

static int reserve(struct premap *p, const struct rtask *parent, struct error *err)
{
	uint64_t at, size = lay_out(p);
	/* A huge-page boundary, so that offsets keep their meaning. */
	const struct own_gap gap = { .from = LOWEST,
				     .limit = HIGHEST,
				     .size = size,
				     .align = p->nr_order ? p->align : PAGE,
				     .prot = PROT_NONE };

	if (parent && is_small(&parent->premap) && size == PARK) {
		p->t->premap = parent->premap; /* and empty, too */
		return 0;
	}
	int rc = own_reserve(&p->r->busy, &p->r->own, &gap, &at, err);
	if (rc < 0)
		return error_wrap(err, rc, "pid %d", p->t->pid);
	p->t->premap = (struct range){ at, at + size };
	for (size_t i = 0; i < p->nr_order; i++)
		p->order[i]->vma->premapped += at;
	return 0;
}

static int map_rest(struct premap *p, struct error *err)
{
	for (size_t i = 0; i < p->nr_order; i++) {
		const struct place *pl = p->order[i];
		const struct vma *v = pl->vma;
		int rc = pl->from ? move_inherited(pl, err)
			 : v->status & VMA_AREA_SYSVIPC
			     ? sysv_attach(p->r, v, err)
			     : map_fresh(p, pl, v->premapped, MAP_FIXED, err);
		if (rc < 0)
			return error_wrap(err, rc, TASK_FMT ": mapping %#lx", RTASK_ARGS(p->t),
					  (unsigned long)v->start);
	}
	return 0;
}

int premap_map(struct premap *p, struct error *err)
{
	const struct rtask *parent = premap_parent(p->t);

	if (parent)
		drop_unwanted(p, parent);
	int rc = settle_all(p, err);
	if (rc == 0)
		rc = reserve(p, parent, err);
	if (rc == 0)
		rc = map_rest(p, err);
	/* What was not taken over from there. The parent's own list still tells where it was. */
	if (rc == 0 && parent && p->t->premap.start != parent->premap.start)
		munmap(addr(parent->premap.start), parent->premap.end - parent->premap.start);
	return rc;
}
