/* SPDX-License-Identifier: MIT
 * Memory of a child that is born when its parent's is complete: mappings are as in the parent or
 * made anew by the restorer, pages that differ wait in its arena. Both are few, or it is not
 * worth it.
 */
#include "engine/mem/late.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "engine/files/file.h"
#include "engine/mem/arena.h"
#include "engine/mem/mem.h"
#include "engine/mem/premap.h"
#include "engine/pie/restorer.h"
#include "engine/procfs/root.h"
#include "memory.pb-c.h"

#define LOOK   2048 /* pages of a task, at most */
#define DIFFER 64   /* of them that are not the parent's, or were dropped */
#define WINDOW 64   /* pages at a time */

/* What is made in another way, or is not the child's own when it has it from its parent. */
#define STATUS_ODD                                                                                 \
	(VMA_AREA_SYSVIPC | VMA_AREA_SOCKET | VMA_AREA_AIORING | VMA_AREA_SHSTK |                  \
	 VMA_AREA_UPROBES | VMA_UNMOVABLE | VMA_SEALED | VMA_OLD_VDSO | VMA_LOCK_ONFAULT)
#define FLAGS_ODD     (MAP_HUGETLB | MAP_LOCKED)
#define NOT_INHERITED ((UINT64_C(1) << MADV_DONTFORK) | (UINT64_C(1) << MADV_WIPEONFORK))

struct compare {
	struct mem_late *l;
	struct rtask *t;
	const struct rtask *parent;
	struct restorer_args *args;
	struct page_store *ps;
	size_t parents_run; /* the first of the parent's that ends above what was looked at */
	size_t nr;          /* pages that differ */
	size_t compared, equal, written; /* for stats-restore */
};

int mem_late_init(struct mem_late *l, struct error *err)
{
	*l = (struct mem_late){ .mem_fd = procfs_open("self/mem", O_RDONLY),
				.want = malloc(2 * WINDOW * PAGE) };
	if (!l->want)
		return error_set(err, ENOMEM, "out of memory");
	l->now = l->want + WINDOW * PAGE;
	return l->mem_fd < 0 ? error_sys(err, "open /proc/self/mem") : 0;
}

void mem_late_fini(struct mem_late *l)
{
	fd_close(l->mem_fd);
	free(l->want);
	*l = (struct mem_late){ .mem_fd = -1 };
}

size_t mem_late_size(void)
{
	return DIFFER * (PAGE + 2 * sizeof(struct restorer_piece));
}

static bool is_kernels(const struct vma *v)
{
	return v->status & (VMA_AREA_VDSO | VMA_AREA_VVAR);
}

static bool is_same(const struct vma *o, const struct vma *v)
{
	return o && o->start == v->start && o->end == v->end && o->prot == v->prot &&
	       o->flags == v->flags && o->status == v->status && o->madv == v->madv &&
	       o->pgoff == v->pgoff && o->shmid == v->shmid && o->has_fdflags == v->has_fdflags &&
	       o->fdflags == v->fdflags;
}

/*
 * Pages without PROT_WRITE need a mapping that was writable before: the restorer makes none. Of
 * descriptors it has those of files, not of segments.
 */
static bool can_be_made(const struct restore *r, const struct rtask *t, const struct vma *v)
{
	if (is_kernels(v) || premap_origin(t, v) || (v->flags & MAP_GROWSDOWN))
		return false;
	if (v->status & VMA_FILE_SHARED)
		return !files_is_unmovable(r, (uint32_t)v->shmid);
	return (v->prot & PROT_WRITE) && (v->status & (VMA_ANON_PRIVATE | VMA_FILE_PRIVATE));
}

/* @return false: one of them is none that could be inherited or made */
static bool match_mappings(const struct restore *r, struct rtask *t, const struct rtask *parent)
{
	if (t->vmas.guards.nr || parent->vmas.guards.nr ||
	    t->mm->exe_file_id != parent->mm->exe_file_id ||
	    t->mm->has_thp_disabled != parent->mm->has_thp_disabled ||
	    t->mm->thp_disabled != parent->mm->thp_disabled || t->mm->n_aios || parent->mm->n_aios)
		return false;
	for (size_t i = 0; i < t->vmas.nr; i++) {
		struct vma *v = &t->vmas.items[i];
		if ((v->status & STATUS_ODD) || (v->flags & FLAGS_ODD) || (v->madv & NOT_INHERITED))
			return false;
		if (is_same(vma_list_find(&parent->vmas, v->start), v))
			v->premapped = is_kernels(v) ? 0 : v->start;
		else if (!can_be_made(r, t, v))
			return false;
	}
	for (size_t i = 0; i < parent->vmas.nr; i++)
		if (parent->vmas.items[i].status & VMA_SEALED)
			return false; /* it would stay */
	return true;
}

/* One more page of [addr, …) is another. @param bytes  NULL: it was dropped */
static bool note(struct compare *c, uint64_t addr, const char *bytes)
{
	struct restorer_args *args = c->args;
	struct restorer_piece *last = args->nr_pieces ? &args->pieces[args->nr_pieces - 1] : NULL;
	char *copy = bytes && c->nr < DIFFER ? arena_alloc(c->t->arena, PAGE, 8) : NULL;

	if (c->nr++ >= DIFFER || (bytes && !copy))
		return false;
	if (copy)
		memcpy(copy, bytes, PAGE);
	if (last && last->addr + last->len == addr && !last->bytes == !copy)
		last->len += PAGE;
	else
		args->pieces[args->nr_pieces++] = (struct restorer_piece){ addr, PAGE, copy };
	return true;
}

/* Has the parent a page of its own there? Asked in address order. */
static bool parent_has(struct compare *c, uint64_t addr)
{
	const struct rtask *p = c->parent;

	while (c->parents_run < p->nr_runs && page_run_end(&p->runs[c->parents_run]) <= addr)
		c->parents_run++;
	return c->parents_run < p->nr_runs && p->runs[c->parents_run].addr <= addr;
}

/*
 * Pages of one mapping. What the task may not write to it is not made to: its restorer writes as it
 * does itself.
 * @param from  the parent's; NULL: it has none
 * @return 1; 0: not to be done, or too much; -errno
 */
static int compare_part(struct compare *c, const struct vma *v, const struct vma *from,
			uint64_t addr, size_t len, struct error *err)
{
	uint64_t here = from && from->premapped ? from->premapped + (addr - from->start) : 0;
	const char *now = c->l->now;
	ssize_t known = -1;
	int rc = page_store_read(c->ps, addr, c->l->want, len, NULL, err);

	if (rc < 0)
		return rc;
	if (here && (from->prot & PROT_READ)) {
		now = (const char *)(uintptr_t)here;
		known = (ssize_t)len;
	} else if (here) {
		known = pread(c->l->mem_fd, c->l->now, len, (off_t)here);
	}
	for (size_t at = 0; at < len; at += PAGE) {
		bool both = parent_has(c, addr + at) && known >= (ssize_t)(at + PAGE);
		bool equal = both && !memcmp(c->l->want + at, now + at, PAGE);
		c->compared += both;
		c->equal += equal;
		c->written += !equal;
		if (!equal && (!(v->prot & PROT_WRITE) || !note(c, addr + at, c->l->want + at)))
			return 0;
	}
	return 1;
}

static int compare_run(struct compare *c, const struct page_run *run, struct error *err)
{
	for (uint64_t at = run->addr, end; at < page_run_end(run); at = end) {
		const struct vma *v = vma_list_find(&c->t->vmas, at);
		if (!v || !(vma_is_private(v) || is_kernels(v)))
			return 0;
		end = page_run_end(run) < v->end ? page_run_end(run) : v->end;
		if (end - at > WINDOW * PAGE)
			end = at + WINDOW * PAGE;
		const struct vma *from =
		    v->premapped ? vma_list_find(&c->parent->vmas, v->start) : NULL;
		int rc = is_kernels(v) ? 1 : compare_part(c, v, from, at, end - at, err);
		if (rc <= 0)
			return rc;
	}
	return 1;
}

static uint64_t count_pages(const struct page_run *runs, size_t nr)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < nr && pages <= LOOK; i++)
		pages += runs[i].nr_pages;
	return pages;
}

/* What the parent has in a mapping that is the same, and the child has not. */
static bool drop_missing(struct compare *c, const struct page_runs *runs)
{
	size_t j = 0;

	for (size_t i = 0; i < c->parent->nr_runs; i++) {
		const struct page_run *run = &c->parent->runs[i];
		for (uint64_t at = run->addr; at < page_run_end(run); at += PAGE) {
			while (j < runs->nr && page_run_end(&runs->items[j]) <= at)
				j++;
			if (j < runs->nr && runs->items[j].addr <= at)
				continue;
			const struct vma *v = vma_list_find(&c->t->vmas, at);
			if (v && v->premapped && vma_is_private(v) && !note(c, at, NULL))
				return false;
		}
	}
	return true;
}

static int compare_pages(struct compare *c, const struct page_runs *runs, struct error *err)
{
	struct restorer_args *args = c->args;
	int rc = 1;

	if (count_pages(runs->items, runs->nr) > LOOK ||
	    count_pages(c->parent->runs, c->parent->nr_runs) > LOOK)
		return 0;
	args->nr_pieces = 0;
	args->pieces = arena_alloc(c->t->arena, DIFFER * sizeof(*args->pieces), 8);
	if (!args->pieces)
		return error_set(err, ENOMEM, "the arena is full");
	if (!drop_missing(c, runs))
		return 0;
	for (size_t i = 0; rc > 0 && i < runs->nr; i++)
		rc = compare_run(c, &runs->items[i], err);
	return rc;
}

static void count(struct restore_shared *shared, const struct compare *c)
{
	__atomic_fetch_add(&shared->pages_restored, c->written, __ATOMIC_RELAXED);
	__atomic_fetch_add(&shared->pages_compared, c->compared, __ATOMIC_RELAXED);
	__atomic_fetch_add(&shared->pages_skipped_cow, c->equal, __ATOMIC_RELAXED);
}

int mem_late_fill(struct mem_late *l, struct restore *r, struct rtask *t,
		  struct restorer_args *args, struct error *err)
{
	struct compare c = { .l = l, .t = t, .parent = t->memory_of, .args = args };
	struct page_runs runs = { 0 };
	auto_page_store ps = NULL;
	int rc = match_mappings(r, t, t->memory_of);

	if (rc > 0 && (rc = page_store_open(r->images, (uint32_t)t->pid, &ps, err)) == 0) {
		page_store_keep(ps);
		c.ps = ps;
		rc = page_runs_load(ps, t, &runs, err);
		rc = rc < 0 ? rc : compare_pages(&c, &runs, err);
	}
	if (rc > 0)
		count(r->shared, &c);
	free(runs.items);
	for (size_t i = 0; rc <= 0 && i < t->vmas.nr; i++)
		t->vmas.items[i].premapped = 0;
	return rc;
}
