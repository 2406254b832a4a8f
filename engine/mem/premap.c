/* SPDX-License-Identifier: MIT
 * Everything of an address space that has contents or a file is made in the task, before its
 * children are born. Mostly it is where it belongs; the rest the restorer only moves.
 */
#include "engine/mem/premap.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/page.h"
#include "base/pages.h"
#include "base/worker.h"
#include "engine/context/birth.h"
#include "engine/files/file.h"
#include "engine/mem/mem.h"
#include "engine/mem/thp.h"
#include "engine/mem/uapi.h"
#include "engine/mem/vdso.h"
#include "memory.pb-c.h"

#define UFFD_PAYS   32  /* pages of one mapping; below that plain writes are quicker */
#define THREAD_PAYS 512 /* runs of pages in all */

/* Anonymous private memory of pages of the usual size: what userfaultfd fills quickly. */
static bool place_is_small_anon(const struct place *pl)
{
	return (pl->vma->status & VMA_ANON_PRIVATE) && !(pl->vma->flags & MAP_HUGETLB);
}

static bool place_was_writable(const struct place *pl)
{
	const struct vma *v = pl->vma;

	return pl->wanted && pl->nr && !pl->from && vma_is_private(v) && !(v->prot & PROT_WRITE) &&
	       !(v->flags & MAP_NORESERVE);
}

uint32_t place_prot(const struct place *pl)
{
	return pl->vma->prot | (place_was_writable(pl) ? PROT_WRITE : 0);
}

uint64_t page_run_end(const struct page_run *run)
{
	return run->addr + run->nr_pages * PAGE;
}

int page_runs_load(struct page_store *ps, const struct rtask *t, struct page_runs *runs,
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
		for (uint64_t at = run->addr; at < page_run_end(run);) {
			while (j < vmas->nr && vmas->items[j].end <= at)
				j++;
			if (j == vmas->nr || vmas->items[j].start > at ||
			    !vma_is_private(&vmas->items[j]))
				return error_set(
				    err, EBADMSG,
				    "pagemap-%d.img: page %#lx is in no private mapping", p->t->pid,
				    (unsigned long)at);
			struct place *pl = &p->places[j];
			uint64_t end = page_run_end(run);
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
	struct range part = { run->addr, page_run_end(run) };

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

const struct rtask *premap_parent(const struct rtask *t)
{
	const struct rtask *parent = t->memory_of;
	return parent && parent->premap.start && parent->mm ? parent : NULL;
}

struct vma *premap_origin(const struct rtask *t, const struct vma *v)
{
	const uint32_t kinds = VMA_ANON_PRIVATE | VMA_FILE_PRIVATE;
	const struct rtask *parent = premap_parent(t);

	if (!parent || !vma_is_private(v) || (v->flags & MAP_HUGETLB) ||
	    parent->mm->exe_file_id != t->mm->exe_file_id)
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
		pl->wanted = true;
		pl->from = premap_origin(p->t, v);
		/* mlock(2) brings in every page, so a gap tells of MLOCK_ONFAULT. */
		if ((v->flags & MAP_LOCKED) && (v->status & VMA_ANON_PRIVATE) && v->prot &&
		    pl->nr_pages < vma_len(v) / PAGE)
			v->status |= VMA_LOCK_ONFAULT;
	}
}

static int fill_place(const struct premap *p, struct fill *f, const struct place *pl,
		      struct error *err)
{
	const struct vma *v = pl->vma;

	for (size_t i = pl->first; i < pl->first + pl->nr; i++) {
		const struct page_run *run = &p->runs.items[i];
		struct range part = run_part(run, v);
		uint64_t dst = v->premapped + (part.start - v->start);
		uint64_t skip = part.start - run->addr, len = part.end - part.start;
		int rc;
		if (pl->from)
			rc = fill_differing(f, run, skip, dst, len, err);
		else if (place_is_small_anon(pl))
			rc = fill_fresh(f, run, skip, dst, len, err);
		else
			rc = fill_over(f, run, skip, dst, len, err);
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
	const struct rtask *parent = p->t->memory_of;
	int rc = 0;

	for (size_t i = 0, j = 0; rc == 0 && i < parent->nr_runs; i++) {
		const struct page_run *run = &parent->runs[i];
		while (j < p->t->vmas.nr && p->t->vmas.items[j].end <= run->addr)
			j++;
		for (size_t k = j; rc == 0 && k < p->t->vmas.nr; k++) {
			const struct place *pl = &p->places[k];
			if (pl->vma->start >= page_run_end(run))
				break;
			struct range part = run_part(run, pl->vma);
			if (pl->from)
				rc = drop_missing(p, pl, part.start, part.end, err);
		}
	}
	return rc;
}

/* After the pages are in: Linux takes the account of an empty mapping back. */
static int protect_all(const struct premap *p, struct error *err)
{
	for (size_t i = 0; i < p->t->vmas.nr; i++) {
		const struct vma *v = p->places[i].vma;
		if (place_was_writable(&p->places[i]) &&
		    mprotect((void *)(uintptr_t)v->premapped, vma_len(v), v->prot) < 0)
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

/* Does the kernel give it huge pages when it is written to? Then it had them, where it was full. */
static bool gets_huge_pages(const struct premap *p, const struct place *pl)
{
	const struct vma *v = pl->vma;

	if (!thp_expected(p->r->thp, p->t->mm, v) || !(place_prot(pl) & PROT_WRITE))
		return false;
	if (p->r->thp == THP_ADVISED) /* the restorer does it again, where it belongs */
		madvise((void *)(uintptr_t)v->premapped, vma_len(v), MADV_HUGEPAGE);
	return true;
}

/* What userfaultfd watches no plain write may fill, so a mapping has the one or the other. */
static int fill_many(const struct premap *p, struct fill *f, const struct place *pl,
		     struct error *err)
{
	int rc = fill_flush(f, err);
	if (rc < 0)
		return rc;
	f->huge = gets_huge_pages(p, pl);
	fill_register(f, pl->vma->premapped, pl->vma->premapped + vma_len(pl->vma));
	rc = fill_place(p, f, pl, err);
	if (rc == 0)
		rc = fill_flush(f, err);
	f->huge = false;
	return rc;
}

static bool has_many(const struct place *pl)
{
	return !pl->from && place_is_small_anon(pl) && pl->nr_pages >= UFFD_PAYS;
}

/* Places with few pages, filled by one thread. */
struct share {
	const struct premap *p;
	struct fill *fill;
	size_t from, to;
};

static int fill_share(void *ctx, struct error *err)
{
	const struct share *s = ctx;
	int rc = 0;

	for (size_t i = s->from; rc == 0 && i < s->to; i++) {
		const struct place *pl = &s->p->places[i];
		if (pl->wanted && pl->nr && !has_many(pl))
			rc = fill_place(s->p, s->fill, pl, err);
	}
	return rc == 0 ? fill_flush(s->fill, err) : rc;
}

/* Is it worth a thread, and can two read the pages at the same time? */
static bool can_halve(const struct premap *p)
{
	if (!p->fill.two_threads || p->runs.nr < THREAD_PAYS)
		return false;
	for (size_t i = 0; i < p->runs.nr; i++)
		if (!fill_is_in_file(&p->fill, &p->runs.items[i]))
			return false;
	return true;
}

static int fill_halves(struct premap *p, struct error *err)
{
	size_t nr = p->t->vmas.nr;
	struct fill fill;
	int rc = fill_init(&fill, p->fill.ps, err);

	if (rc < 0)
		return rc;
	struct share first = { p, &p->fill, 0, nr / 2 }, second = { p, &fill, nr / 2, nr };
	const struct part here = { fill_share, &first }, there = { fill_share, &second };
	rc = run_both(&here, &there, true, err);
	p->fill.restored += fill.restored;
	fill_fini(&fill);
	return rc;
}

static int fill_small(struct premap *p, struct error *err)
{
	if (can_halve(p))
		return fill_halves(p, err);
	struct share all = { p, &p->fill, 0, p->t->vmas.nr };
	return fill_share(&all, err);
}

static int fill_all(struct premap *p, struct error *err)
{
	int rc = fill_small(p, err);

	for (size_t i = 0; rc == 0 && i < p->t->vmas.nr; i++)
		if (p->places[i].wanted && has_many(&p->places[i]))
			rc = fill_many(p, &p->fill, &p->places[i], err);
	return rc;
}

static int build(struct premap *p, struct error *err)
{
	int rc = assign_runs(p, err);

	if (rc < 0)
		return rc;
	decide(p);
	bool shares = inherits(p);
	rc = premap_map(p, err);
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
	struct premap p = { .r = r, .t = t, .align = 2ull << 20 };
	struct page_store *ps = NULL;
	int rc = page_store_open(r->images, t->pid, &ps, err);

	if (rc < 0)
		return rc; /* also when there is none: its memory would be empty */
	page_store_keep(ps);
	rc = page_runs_load(ps, t, &p.runs, err);
	if (rc == 0) {
		vdso_choose(r, t, ps);
		p.places = calloc(t->vmas.nr, sizeof(*p.places));
		p.order = calloc(t->vmas.nr, sizeof(*p.order));
		if (p.places && p.order) {
			pages_bring_in(p.places, t->vmas.nr * sizeof(*p.places));
			pages_bring_in(t->vmas.items, t->vmas.nr * sizeof(*t->vmas.items));
		}
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
	t->runs = p.runs.items;
	t->nr_runs = p.runs.nr;
	page_store_close(ps);
	if (rc == 0)
		log_debug("pid %d: %zu page runs wait at %#lx", t->pid, p.runs.nr,
			  (unsigned long)t->premap.start);
	return rc;
}
