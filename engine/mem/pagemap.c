/* SPDX-License-Identifier: MIT
 * Which pages of a task have contents of their own: PAGEMAP_SCAN, or /proc/PID/pagemap before
 * Linux 6.7.
 */
#include "engine/mem/pagemap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "engine/mem/uapi.h"
#include "engine/procfs/root.h"

#define NR_REGIONS 4096u
#define NR_WORDS   65536u /* of /proc/PID/pagemap per read */

/* A word of /proc/PID/pagemap. */
#define PM_PFN     ((1ull << 55) - 1)
#define PM_GUARD   (1ull << 58)
#define PM_FILE    (1ull << 61)
#define PM_SWAP    (1ull << 62)
#define PM_PRESENT (1ull << 63)

struct scan {
	struct task *t;
	struct mem_run_list *runs;
	size_t next; /* mapping to continue with: results come in address order */
	int fd;
};

int mem_run_add(struct mem_run_list *list, const struct mem_run *run)
{
	struct mem_run *last = list->nr ? &list->items[list->nr - 1] : NULL;

	if (last && last->end == run->start && last->flags == run->flags &&
	    last->gentle == run->gentle) {
		last->end = run->end;
		return 0;
	}
	struct mem_run *slot = array_add(list);
	if (!slot)
		return -ENOMEM;
	*slot = *run;
	return 0;
}

/* Droppable memory may read as zero at any time; vdso is written whole, for older kernels. */
static bool is_wanted(const struct vma *v)
{
	return vma_is_private(v) && !(v->flags & MAP_DROPPABLE) && !(v->status & VMA_AREA_VDSO);
}

/* The vdso for older kernels; rings, which are the kernel's, as no page of theirs is private. */
static bool is_whole(const struct vma *v)
{
	return v->status & (VMA_AREA_VDSO | VMA_AREA_AIORING);
}

/* Pages a lazy restore may leave for later. */
static bool can_be_lazy(const struct vma *v)
{
	return (v->flags & MAP_ANONYMOUS) && (v->flags & MAP_PRIVATE) && !(v->flags & MAP_LOCKED) &&
	       !(v->flags & MAP_HUGETLB) && !(v->status & VMA_AREA_VDSO);
}

/*
 * process_vm_readv() pins pages, and since Linux 5.19 that ends the sharing of pages common after
 * fork: the dump would cost the memory that fork had saved. /proc/PID/mem also reads what the
 * task itself may not.
 */
static bool read_gently(const struct vma *v)
{
	return !(v->prot & PROT_READ) || (v->vm_flags & VM_FLAG_COMMON);
}

static int add_part(struct scan *s, const struct vma *v, uint64_t start, uint64_t end)
{
	struct mem_run run = {
		.start = start,
		.end = end,
		.flags = PE_PRESENT | (can_be_lazy(v) ? PE_LAZY : 0),
		.gentle = read_gently(v),
	};
	return mem_run_add(s->runs, &run);
}

static int add_guard(struct scan *s, uint64_t start, uint64_t end)
{
	struct range_list *guards = &s->t->vmas.guards;
	struct range *last = guards->nr ? &guards->items[guards->nr - 1] : NULL;

	if (last && last->end == start) {
		last->end = end;
		return 0;
	}
	struct range *slot = array_add(guards);
	if (!slot)
		return -ENOMEM;
	*slot = (struct range){ start, end };
	return 0;
}

/* vdso pages in front of an address, before what comes at it. */
static int add_vdso_before(struct scan *s, uint64_t addr)
{
	const struct vma_list *vmas = &s->t->vmas;
	int rc = 0;

	for (; rc == 0 && s->next < vmas->nr && vmas->items[s->next].end <= addr; s->next++) {
		const struct vma *v = &vmas->items[s->next];
		if (is_whole(v))
			rc = add_part(s, v, v->start, v->end);
	}
	return rc;
}

/* A region of present pages may span mappings, and touch ones that are not ours to save. */
static int add_region(struct scan *s, uint64_t start, uint64_t end, bool guard)
{
	const struct vma_list *vmas = &s->t->vmas;
	int rc = add_vdso_before(s, start);

	while (rc == 0 && s->next < vmas->nr && vmas->items[s->next].start < end) {
		const struct vma *v = &vmas->items[s->next];
		uint64_t from = start > v->start ? start : v->start;
		uint64_t to = end < v->end ? end : v->end;
		if (is_wanted(v))
			rc = guard ? add_guard(s, from, to) : add_part(s, v, from, to);
		if (rc || v->end > end)
			break;
		if (is_whole(v))
			rc = add_part(s, v, v->start, v->end);
		s->next++;
	}
	return rc;
}

static int scan_once(int fd, struct pm_scan_arg *arg, bool *guards_known)
{
	for (;;) {
		int n = ioctl(fd, PAGEMAP_SCAN, arg);
		if (n >= 0)
			return n;
		if (errno == EINTR)
			continue;
		if (errno != EINVAL || !*guards_known)
			return -errno;
		/* Before Linux 6.15 the category does not exist. */
		*guards_known = false;
		arg->category_anyof_mask &= ~(uint64_t)PAGE_IS_GUARD;
		arg->return_mask = 0;
	}
}

/* @return -ENOTTY when the kernel has no PAGEMAP_SCAN. */
static int scan_by_ioctl(struct scan *s, uint64_t start, uint64_t end)
{
	auto_free struct page_region *regions = calloc(NR_REGIONS, sizeof(*regions));
	if (!regions)
		return -ENOMEM;
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = start,
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = NR_REGIONS,
		.category_inverted = PAGE_IS_FILE | PAGE_IS_PFNZERO,
		.category_mask = PAGE_IS_FILE | PAGE_IS_PFNZERO,
		.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_GUARD,
		.return_mask = PAGE_IS_GUARD,
	};
	bool guards_known = true;

	while (arg.start < end) {
		int n = scan_once(s->fd, &arg, &guards_known);
		if (n < 0)
			return n;
		for (int i = 0; i < n; i++) {
			int rc = add_region(s, regions[i].start, regions[i].end,
					    regions[i].categories & PAGE_IS_GUARD);
			if (rc < 0)
				return rc;
		}
		arg.start = arg.walk_end;
	}
	return 0;
}

/* The frame of the zero page, by looking at one of our own; 0 when the kernel hides frames. */
static uint64_t zero_frame(void)
{
	volatile char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t word = 0;
	auto_fd fd = procfs_open("self/pagemap", O_RDONLY);

	if (page == MAP_FAILED)
		return 0;
	(void)*page;
	if (fd < 0 || fd_pread_full(fd, &word, 8, (uintptr_t)page / PAGE * 8) != 8)
		word = 0;
	munmap((void *)page, PAGE);
	return word & PM_PFN;
}

static int add_words(struct scan *s, uint64_t addr, const uint64_t *words, size_t nr, uint64_t zero)
{
	for (size_t i = 0; i < nr; i++, addr += PAGE) {
		uint64_t w = words[i];
		bool guard = w & PM_GUARD;
		if (!(w & (PM_PRESENT | PM_SWAP)) && !guard)
			continue;
		if (!guard && ((w & PM_FILE) || (zero && (w & PM_PRESENT) && (w & PM_PFN) == zero)))
			continue;
		int rc = add_region(s, addr, addr + PAGE, guard);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int scan_by_words(struct scan *s)
{
	uint64_t zero = zero_frame();
	auto_free uint64_t *words = malloc(NR_WORDS * sizeof(*words));
	if (!words)
		return -ENOMEM;

	for (size_t i = 0; i < s->t->vmas.nr; i++) {
		const struct vma *v = &s->t->vmas.items[i];
		for (uint64_t a = v->start; is_wanted(v) && a < v->end; a += NR_WORDS * PAGE) {
			uint64_t left = (v->end - a) / PAGE;
			size_t nr = left < NR_WORDS ? left : NR_WORDS;
			ssize_t n = fd_pread_full(s->fd, words, nr * 8, a / PAGE * 8);
			if (n != (ssize_t)(nr * 8))
				return n < 0 ? n : -EIO;
			int rc = add_words(s, a, words, nr, zero);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* User mappings only: the vsyscall page lies beyond them. */
static uint64_t user_end(const struct vma_list *vmas)
{
	for (size_t i = vmas->nr; i-- > 0;)
		if (!(vmas->items[i].status & VMA_AREA_VSYSCALL))
			return vmas->items[i].end;
	return 0;
}

int pagemap_scan(struct task *t, struct mem_run_list *runs, uint64_t *scanned, struct error *err)
{
	struct scan s = { .t = t, .runs = runs };
	auto_fd fd = openat(t->proc_fd, "pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open /proc/%d/pagemap", t->pid);
	s.fd = fd;

	t->vmas.guards.nr = 0;
	uint64_t end = user_end(&t->vmas);
	int rc = end ? scan_by_ioctl(&s, t->vmas.items[0].start, end) : 0;
	if (rc == -ENOTTY)
		rc = scan_by_words(&s);
	if (rc == 0)
		rc = add_vdso_before(&s, UINT64_MAX);
	if (rc < 0)
		return error_code(err, rc, TASK_FMT ": read its page map", TASK_ARGS(t));
	for (size_t i = 0; i < t->vmas.nr; i++)
		if (is_wanted(&t->vmas.items[i]))
			*scanned += vma_len(&t->vmas.items[i]) / PAGE;
	return 0;
}
