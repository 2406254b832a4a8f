/* SPDX-License-Identifier: MIT
 * Everything of an address space that has contents or a file is made in the task, before its
 * children are born, in a range no task of the tree uses; the restorer only moves it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/file.h"
#include "engine/mem/fill.h"
#include "engine/mem/huge.h"
#include "engine/mem/mem.h"
#include "engine/mem/own.h"
#include "engine/mem/shmem.h"
#include "engine/mem/sysv.h"
#include "engine/mem/uapi.h"
#include "engine/mem/vdso.h"
#include "engine/tree/birth-plan.h"
#include "memory.pb-c.h"

#define PAGE      4096ull
#define HUGE      (2ull << 20)   /* page tables move whole when both ends agree below it */
#define LOWEST    0x100000000ull /* above what 32-bit habits use */
#define HIGHEST   0x7fff00000000ull
#define PARK      (64ull << 10) /* room for vdso and vvar at the start of the range */
#define UFFD_PAYS 32            /* pages; below that plain writes are quicker */

/* Anonymous private memory of pages of the usual size: what userfaultfd fills quickly. */
static bool is_small_anon(const struct vma *v)
{
	return (v->status & VMA_ANON_PRIVATE) && !(v->flags & MAP_HUGETLB);
}

struct page_runs {
	struct page_run *items;
	size_t nr, cap;
};

/* What becomes of one mapping. */
struct place {
	struct vma *vma;
	struct vma *from;  /* the parent's mapping it shares pages with */
	size_t first, nr;  /* runs that touch it */
	uint64_t nr_pages; /* it has in the image */
	bool wanted;       /* to be premapped */
	bool apart;        /* from its neighbours: it must not become one mapping with them */
};

struct premap {
	struct restore *r;
	struct rtask *t;
	struct page_runs runs;
	struct place *places; /* one per mapping of the task */
	struct place **order; /* those wanted, as they lie in the range */
	size_t nr_order;
	uint64_t fresh_pages;
	uint64_t align;    /* bytes; of the range, so that offsets in it keep their meaning */
	struct range anon; /* part of t->premap that userfaultfd serves */
	struct fill fill;
};

static uint64_t run_end(const struct page_run *run)
{
	return run->addr + run->nr_pages * PAGE;
}

static int load_runs(struct page_store *ps, const struct rtask *t, struct page_runs *runs,
		     struct error *err)
{
	struct page_run run;
	int rc;

	while ((rc = page_store_next(ps, &run, err)) > 0) {
		uint64_t len, end;
		if (__builtin_mul_overflow(run.nr_pages, PAGE, &len) ||
		    __builtin_add_overflow(run.addr, len, &end) || run.addr % PAGE)
			return error_set(err, EBADMSG,
					 "pagemap-%d.img: odd run of %lu pages at %#lx", t->pid,
					 (unsigned long)run.nr_pages, (unsigned long)run.addr);
		if (run.kind == PAGE_ZERO || !run.nr_pages)
			continue;
		struct page_run *slot = array_add(runs);
		if (!slot)
			return error_set(err, ENOMEM, "out of memory for pages of pid %d", t->pid);
		*slot = run;
	}
	return rc;
}

/* Every page must lie in private memory: give each mapping its runs. */
static int assign_runs(struct premap *p, struct error *err)
{
	const struct vma_list *vmas = &p->t->vmas;
	size_t j = 0;

	for (size_t i = 0; i < p->runs.nr; i++) {
		const struct page_run *run = &p->runs.items[i];
		for (uint64_t at = run->addr; at < run_end(run);) {
			while (j < vmas->nr && vmas->items[j].end <= at)
				j++;
			if (j == vmas->nr || vmas->items[j].start > at ||
			    !vma_is_private(&vmas->items[j]))
				return error_set(
				    err, EBADMSG,
				    "pagemap-%d.img: page %#lx is in no private mapping", p->t->pid,
				    (unsigned long)at);
			struct place *pl = &p->places[j];
			uint64_t end = run_end(run);
			if (end > vmas->items[j].end)
				end = vmas->items[j].end;
			if (!pl->nr++)
				pl->first = i;
			pl->nr_pages += (end - at) / PAGE;
			at = end;
		}
	}
	return 0;
}

/* Part of a run that belongs to a mapping. */
static struct range run_part(const struct page_run *run, const struct vma *v)
{
	struct range part = { run->addr, run_end(run) };

	if (part.start < v->start)
		part.start = v->start;
	if (part.end > v->end)
		part.end = v->end;
	return part;
}

static bool has_guard(const struct vma_list *vmas, const struct vma *v)
{
	for (size_t i = 0; i < vmas->guards.nr; i++)
		if (vmas->guards.items[i].start < v->end && vmas->guards.items[i].end > v->start)
			return true;
	return false;
}

/* A mapping of the parent at the same place, of the same thing: fork made them one. */
static struct vma *find_origin(const struct rtask *t, const struct vma *v)
{
	const uint32_t kinds = VMA_ANON_PRIVATE | VMA_FILE_PRIVATE;
	const struct rtask *parent = t->memory_of;

	if (!parent || !parent->premap.start || !parent->mm || !vma_is_private(v) ||
	    (v->flags & MAP_HUGETLB) || parent->mm->exe_file_id != t->mm->exe_file_id)
		return NULL;
	struct vma *o = vma_list_find(&parent->vmas, v->start);
	if (!o || !o->premapped || (o->status & kinds) != (v->status & kinds) ||
	    ((o->flags ^ v->flags) & (MAP_GROWSDOWN | MAP_NORESERVE | MAP_HUGETLB)))
		return NULL;
	if (v->status & VMA_ANON_PRIVATE) /* may have grown since, as a heap does */
		return v->end <= o->end || v->start == o->start ? o : NULL;
	return o->shmid == v->shmid && v->end <= o->end &&
		       v->pgoff - o->pgoff == v->start - o->start
		   ? o
		   : NULL;
}

static void decide(struct premap *p)
{
	const struct vma_list *vmas = &p->t->vmas;

	for (size_t i = 0; i < vmas->nr; i++) {
		struct place *pl = &p->places[i];
		struct vma *v = pl->vma = &vmas->items[i];
		if (v->status & (VMA_AREA_VDSO | VMA_AREA_VVAR))
			continue;
		/* Guard marks would spread, and a change to one would split the other. */
		pl->apart = has_guard(vmas, v);
		if ((v->status & VMA_FILE_SHARED) && files_is_unmovable(p->r, (uint32_t)v->shmid)) {
			v->status |= VMA_UNMOVABLE;
			continue;
		}
		pl->wanted = pl->nr || !(v->status & VMA_ANON_PRIVATE) || pl->apart;
		if (pl->nr)
			pl->from = find_origin(p->t, v);
		if (!pl->from && is_small_anon(v))
			p->fresh_pages += pl->nr_pages;
		/* mlock(2) brings in every page, so a gap tells of MLOCK_ONFAULT. */
		if ((v->flags & MAP_LOCKED) && (v->status & VMA_ANON_PRIVATE) && v->prot &&
		    pl->nr_pages < vma_len(v) / PAGE)
			v->status |= VMA_LOCK_ONFAULT;
	}
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

/* Pages of its own mean that it was writable once, and has been accounted for since. */
static bool was_writable(const struct place *pl)
{
	const struct vma *v = pl->vma;

	return pl->nr && !pl->from && vma_is_private(v) && !(v->prot & PROT_WRITE) &&
	       !(v->flags & MAP_NORESERVE);
}

static int fresh_prot(const struct place *pl)
{
	return pl->vma->prot | (was_writable(pl) ? PROT_WRITE : 0);
}

/* Anonymous memory first; there what is alike lies together, to be made in one go. */
static int place_compare(const void *a, const void *b)
{
	const struct place *x = *(struct place *const *)a, *y = *(struct place *const *)b;
	const struct vma *v = x->vma, *w = y->vma;
	bool anon = is_small_anon(v);

	if (anon != is_small_anon(w))
		return anon ? -1 : 1;
	if (anon && x->apart != y->apart)
		return x->apart ? 1 : -1;
	if (anon && v->prot != w->prot)
		return v->prot < w->prot ? -1 : 1;
	if (anon && v->flags != w->flags)
		return v->flags < w->flags ? -1 : 1;
	return v->start < w->start ? -1 : 1;
}

static bool is_alike(const struct place *x, const struct place *y)
{
	return is_small_anon(x->vma) && is_small_anon(y->vma) && !x->from && !y->from &&
	       !x->apart && !y->apart && x->vma->prot == y->vma->prot &&
	       x->vma->flags == y->vma->flags && fresh_prot(x) == fresh_prot(y) &&
	       x->vma->premapped + vma_len(x->vma) == y->vma->premapped;
}

/* The places from order[i] on that are one piece: @return index behind them. */
static size_t piece_end(const struct premap *p, size_t i)
{
	do
		i++;
	while (i < p->nr_order && is_alike(p->order[i - 1], p->order[i]));
	return i;
}

static uint64_t piece_len(const struct premap *p, size_t i, size_t end)
{
	return p->order[end - 1]->vma->premapped + vma_len(p->order[end - 1]->vma) -
	       p->order[i]->vma->premapped;
}

/* Offsets first, anonymous memory in one stretch for userfaultfd. @return bytes needed. */
static uint64_t lay_out(struct premap *p)
{
	uint64_t at = PARK;

	for (size_t i = 0; i < p->t->vmas.nr; i++)
		if (p->places[i].wanted)
			p->order[p->nr_order++] = &p->places[i];
	if (p->nr_order)
		qsort(p->order, p->nr_order, sizeof(*p->order), place_compare);
	p->anon.start = p->anon.end = at;
	for (size_t i = 0; i < p->nr_order; i++) {
		const struct place *pl = p->order[i];
		pl->vma->premapped = place_at(pl, at);
		at = pl->vma->premapped + vma_len(pl->vma) + (pl->apart ? PAGE : 0);
		if (is_small_anon(pl->vma))
			p->anon.end = at;
		if ((pl->vma->flags & MAP_HUGETLB) && huge_size(pl->vma->flags) > p->align)
			p->align = huge_size(pl->vma->flags);
	}
	return at;
}

static int reserve(struct premap *p, uint64_t size, struct error *err)
{
	struct range_list own = { 0 };
	int rc = own_ranges(&own, err);
	if (rc < 0)
		return rc;
	/* A huge-page boundary, so that offsets keep their meaning. */
	uint64_t at = range_list_gap(&p->r->busy, &own, LOWEST, HIGHEST, size + 2 * p->align);
	free(own.items);
	if (!at)
		return error_set(err, ENOMEM, "pid %d: no %lu bytes of free addresses", p->t->pid,
				 (unsigned long)size);
	at = (at + p->align - 1) & ~(p->align - 1);
	void *got = mmap((void *)(uintptr_t)at, size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (got == MAP_FAILED)
		return error_sys(err, "pid %d: reserve %lu bytes at %#lx", p->t->pid,
				 (unsigned long)size, (unsigned long)at);
	p->t->premap = (struct range){ at, at + size };
	p->anon.start += at;
	p->anon.end += at;
	for (size_t i = 0; i < p->t->vmas.nr; i++)
		if (p->places[i].wanted)
			p->places[i].vma->premapped += at;
	return 0;
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

static int source_fd(struct premap *p, const struct vma *v, struct error *err)
{
	if (v->status & VMA_ANON_PRIVATE)
		return -1;
	if (v->status & VMA_ANON_SHARED) {
		int fd = shmem_fd(p->r->shmem, v->shmid);
		return fd >= 0 ? fd
			       : error_set(err, EBADMSG, "no shared segment %lu",
					   (unsigned long)v->shmid);
	}
	return mem_file_of(p->r, v, err);
}

static int map_fresh(struct premap *p, size_t i, size_t end, struct error *err)
{
	const struct vma *v = p->order[i]->vma;
	int flags =
	    v->flags & (MAP_PRIVATE | MAP_SHARED | MAP_DROPPABLE | MAP_NORESERVE | MAP_GROWSDOWN);
	if (v->status & VMA_AREA_SYSVIPC)
		return sysv_attach(v, err);
	int fd = source_fd(p, v, err);
	uint64_t len = piece_len(p, i, end);

	if (fd < 0 && !(v->status & VMA_ANON_PRIVATE))
		return fd;
	/* A segment's file is no anonymous memory any more: its offset counts. */
	if (v->status & VMA_ANON_PRIVATE)
		flags |= MAP_ANONYMOUS | (int)(v->flags & (MAP_HUGETLB | HUGE_MASK));
	if (mmap((void *)(uintptr_t)v->premapped, len, fresh_prot(p->order[i]), flags | MAP_FIXED,
		 fd, fd < 0 ? 0 : (off_t)v->pgoff) == MAP_FAILED)
		return error_sys(err, "map %s of %lu bytes%s", vma_kind(v), (unsigned long)len,
				 v->flags & MAP_HUGETLB ? " (are there enough huge pages?)" : "");
	return 0;
}

static int map_inherited(const struct place *pl, struct error *err)
{
	const struct vma *v = pl->vma, *o = pl->from;
	uint64_t old = o->premapped + (v->start - o->start);
	uint64_t len = (v->end < o->end ? v->end : o->end) - v->start;

	if (mremap((void *)(uintptr_t)old, len, vma_len(v), MREMAP_MAYMOVE | MREMAP_FIXED,
		   (void *)(uintptr_t)v->premapped) == MAP_FAILED)
		return error_sys(err, "move memory inherited from the parent");
	if (v->prot != o->prot &&
	    mprotect((void *)(uintptr_t)v->premapped, vma_len(v), v->prot) < 0)
		return error_sys(err, "protect memory inherited from the parent");
	return 0;
}

static int map_all(struct premap *p, struct error *err)
{
	for (size_t i = 0, end; i < p->nr_order; i = end) {
		const struct place *pl = p->order[i];
		end = piece_end(p, i);
		int rc = pl->from ? map_inherited(pl, err) : map_fresh(p, i, end, err);
		if (rc < 0)
			return error_wrap(err, rc, TASK_FMT ": mapping %#lx", RTASK_ARGS(p->t),
					  (unsigned long)pl->vma->start);
	}
	return 0;
}

/* The parent's areas that were not taken over. Its own list still tells where they were. */
static void drop_parents(const struct rtask *t)
{
	if (t->memory_of && t->memory_of->premap.start)
		munmap((void *)(uintptr_t)t->memory_of->premap.start,
		       t->memory_of->premap.end - t->memory_of->premap.start);
}

static int fill_place(struct premap *p, const struct place *pl, struct error *err)
{
	const struct vma *v = pl->vma;

	for (size_t i = pl->first; i < pl->first + pl->nr; i++) {
		const struct page_run *run = &p->runs.items[i];
		struct range part = run_part(run, v);
		uint64_t dst = v->premapped + (part.start - v->start);
		uint64_t skip = part.start - run->addr, len = part.end - part.start;
		int rc;
		if (pl->from)
			rc = fill_differing(&p->fill, run, skip, dst, len, err);
		else if (is_small_anon(v))
			rc = fill_fresh(&p->fill, run, skip, dst, len, err);
		else
			rc = fill_over(&p->fill, run, skip, dst, len, err);
		if (rc < 0)
			return error_wrap(err, rc, TASK_FMT ": pages at %#lx", RTASK_ARGS(p->t),
					  (unsigned long)part.start);
	}
	return 0;
}

static int drop_range(const struct vma *v, uint64_t start, uint64_t end, struct error *err)
{
	void *at = (void *)(uintptr_t)(v->premapped + (start - v->start));

	if (madvise(at, end - start, MADV_DONTNEED) < 0)
		return error_sys(err, "drop inherited pages at %#lx", (unsigned long)start);
	return 0;
}

/* [start, end) was the parent's; what the task has no page for goes. */
static int drop_missing(const struct premap *p, const struct place *pl, uint64_t start,
			uint64_t end, struct error *err)
{
	uint64_t at = start;

	for (size_t i = pl->first; i < pl->first + pl->nr && at < end; i++) {
		struct range part = run_part(&p->runs.items[i], pl->vma);
		if (part.end <= at)
			continue;
		if (part.start > at) {
			uint64_t to = part.start < end ? part.start : end;
			int rc = drop_range(pl->vma, at, to, err);
			if (rc < 0)
				return rc;
		}
		at = part.end;
	}
	return at < end ? drop_range(pl->vma, at, end, err) : 0;
}

/* Pages the parent has and this task had dropped, by the parent's page map. */
static int drop_parents_pages(struct premap *p, struct error *err)
{
	struct page_store *ps = NULL;
	struct page_runs runs = { 0 };
	const struct rtask *parent = p->t->memory_of;
	int rc = page_store_open(p->r->images, parent->pid, &ps, err);

	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = load_runs(ps, parent, &runs, err);
	page_store_close(ps);
	for (size_t i = 0, j = 0; rc == 0 && i < runs.nr; i++) {
		while (j < p->t->vmas.nr && p->t->vmas.items[j].end <= runs.items[i].addr)
			j++;
		for (size_t k = j; rc == 0 && k < p->t->vmas.nr; k++) {
			const struct place *pl = &p->places[k];
			if (pl->vma->start >= run_end(&runs.items[i]))
				break;
			struct range part = run_part(&runs.items[i], pl->vma);
			if (pl->from)
				rc = drop_missing(p, pl, part.start, part.end, err);
		}
	}
	free(runs.items);
	return rc;
}

/* After the pages are in: Linux takes the account of an empty mapping back. */
static int protect_all(const struct premap *p, struct error *err)
{
	for (size_t i = 0, end; i < p->nr_order; i = end) {
		const struct vma *v = p->order[i]->vma;
		end = piece_end(p, i);
		if (was_writable(p->order[i]) &&
		    mprotect((void *)(uintptr_t)v->premapped, piece_len(p, i, end), v->prot) < 0)
			return error_sys(err, "pid %d: protect memory for %#lx", p->t->pid,
					 (unsigned long)v->start);
	}
	return 0;
}

static bool inherits(const struct premap *p)
{
	for (size_t i = 0; i < p->t->vmas.nr; i++)
		if (p->places[i].from)
			return true;
	return false;
}

static int advise_guards(const struct rtask *t, const struct vma_list *of, int advice,
			 struct error *err)
{
	for (size_t i = 0; i < of->guards.nr; i++) {
		const struct range *g = &of->guards.items[i];
		for (size_t j = 0; j < t->vmas.nr; j++) {
			const struct vma *v = &t->vmas.items[j];
			uint64_t from = g->start > v->start ? g->start : v->start;
			uint64_t to = g->end < v->end ? g->end : v->end;
			if (from >= to || !v->premapped)
				continue;
			void *at = (void *)(uintptr_t)(v->premapped + (from - v->start));
			if (madvise(at, to - from, advice) < 0)
				return error_sys(err, "pid %d: guard region %#lx-%#lx", t->pid,
						 (unsigned long)from, (unsigned long)to);
		}
	}
	return 0;
}

/* Inherited memory first: what userfaultfd watches, no plain write may fill. */
static int fill_all(struct premap *p, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->nr_order; i++)
		if (p->order[i]->from)
			rc = fill_place(p, p->order[i], err);
	if (p->fresh_pages >= UFFD_PAYS)
		fill_register(&p->fill, p->anon.start, p->anon.end);
	/* userfaultfd copies into one mapping at a time */
	for (size_t i = 0, end; rc == 0 && i < p->nr_order; i = end) {
		end = piece_end(p, i);
		for (size_t k = i; rc == 0 && k < end; k++)
			if (!p->order[k]->from)
				rc = fill_place(p, p->order[k], err);
		if (rc == 0)
			rc = fill_flush(&p->fill, err);
	}
	return rc;
}

static int build(struct premap *p, struct error *err)
{
	bool shares;
	int rc = assign_runs(p, err);

	if (rc < 0)
		return rc;
	decide(p);
	shares = inherits(p);
	rc = reserve(p, lay_out(p), err);
	if (rc == 0)
		rc = map_all(p, err);
	drop_parents(p->t);
	if (rc == 0 && shares)
		rc = drop_parents_pages(p, err);
	if (rc == 0 && shares)
		rc = advise_guards(p->t, &p->t->memory_of->vmas, MADV_GUARD_REMOVE, err);
	if (rc == 0)
		rc = fill_all(p, err);
	if (rc == 0)
		rc = protect_all(p, err);
	if (rc == 0)
		rc = advise_guards(p->t, &p->t->vmas, MADV_GUARD_INSTALL, err);
	return rc;
}

static void count_pages(struct restore_shared *shared, const struct fill *f)
{
	__atomic_fetch_add(&shared->pages_restored, f->restored, __ATOMIC_RELAXED);
	__atomic_fetch_add(&shared->pages_compared, f->compared, __ATOMIC_RELAXED);
	__atomic_fetch_add(&shared->pages_skipped_cow, f->equal, __ATOMIC_RELAXED);
}

int mem_premap(struct restore *r, struct rtask *t, struct error *err)
{
	struct premap p = { .r = r, .t = t, .align = HUGE };
	struct page_store *ps = NULL;
	int rc = page_store_open(r->images, t->pid, &ps, err);

	if (rc < 0)
		return rc; /* also when there is none: its memory would be empty */
	rc = load_runs(ps, t, &p.runs, err);
	if (rc == 0) {
		vdso_choose(r, t, ps);
		p.places = calloc(t->vmas.nr, sizeof(*p.places));
		p.order = calloc(t->vmas.nr, sizeof(*p.order));
		rc = p.places && p.order
			 ? fill_init(&p.fill, ps, err)
			 : error_set(err, ENOMEM, "out of memory for pid %d", t->pid);
	}
	if (rc == 0) {
		p.fill.two_threads =
		    r->plan->nr == 1; /* nobody is born who could want the number */
		rc = build(&p, err);
		count_pages(r->shared, &p.fill);
		fill_fini(&p.fill);
	}
	free(p.places);
	free(p.order);
	free(p.runs.items);
	page_store_close(ps);
	if (rc == 0)
		log_debug("pid %d: %zu page runs wait at %#lx", t->pid, p.runs.nr,
			  (unsigned long)t->premap.start);
	return rc;
}
