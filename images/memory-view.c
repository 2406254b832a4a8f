/* SPDX-License-Identifier: MIT
 * The memory of one process by address. A page is looked for in layers: the process's own page
 * map, then the shared segment that is mapped there, then the mapped file.
 */
#include "images/memory-view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "images/damage.h"
#include "images/page-store.h"
#include "images/sysroot.h"

enum { PER_STEP = 2000 /* some milliseconds */ };

const char *const area_kind_names[NR_AREA_KINDS] = {
	[AREA_ANON] = "anon",
	[AREA_HEAP] = "heap",
	[AREA_STACK] = "stack",
	[AREA_FILE] = "file",
	[AREA_FILE_SHARED] = "file-shared",
	[AREA_SHMEM] = "shmem",
	[AREA_SYSV] = "sysv",
	[AREA_MEMFD] = "memfd",
	[AREA_VDSO] = "vdso",
	[AREA_VVAR] = "vvar",
	[AREA_VSYSCALL] = "vsyscall",
	[AREA_AIO] = "aio",
	[AREA_SOCKET] = "socket",
	[AREA_OTHER] = "other",
};

/* The first status bit that is set decides. */
static const struct {
	unsigned status;
	enum area_kind kind;
} kind_rows[] = {
	{ VMA_AREA_VSYSCALL, AREA_VSYSCALL },  { VMA_AREA_VDSO, AREA_VDSO },
	{ VMA_AREA_VVAR, AREA_VVAR },          { VMA_AREA_AIORING, AREA_AIO },
	{ VMA_AREA_SOCKET, AREA_SOCKET },      { VMA_AREA_SYSVIPC, AREA_SYSV },
	{ VMA_AREA_MEMFD, AREA_MEMFD },        { VMA_AREA_HEAP, AREA_HEAP },
	{ VMA_AREA_STACK, AREA_STACK },        { VMA_FILE_PRIVATE, AREA_FILE },
	{ VMA_FILE_SHARED, AREA_FILE_SHARED }, { VMA_ANON_SHARED, AREA_SHMEM },
	{ VMA_ANON_PRIVATE, AREA_ANON },
};

static enum area_kind area_kind_of(const VmaEntry *vma)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind_rows); i++) {
		if (!(vma->status & kind_rows[i].status))
			continue;
		if (kind_rows[i].kind == AREA_ANON && vma->flags & MAP_GROWSDOWN)
			return AREA_STACK;
		return kind_rows[i].kind;
	}
	return AREA_OTHER;
}

/* A store that other areas may use as well; store is NULL when the set has no such page map. */
struct segment {
	uint64_t id;
	struct page_store *store;
};

struct mapped_file {
	uint32_t id;
	int fd; /* -1: not below the sysroot, or another file by now */
};

struct memory_view {
	struct checkpoint *cp;
	uint32_t pid;
	struct mm_load *load; /* NULL: done */
	size_t nr_filled;     /* of mm->vmas */
	bool whole_index;     /* build the index of pages before it is used */
	MmEntry *mm;
	struct page_store *own;    /* NULL: nothing of it was dumped */
	struct error own_damage;   /* or that; code 0: no */
	struct error files_damage; /* of some area's file; code 0: none */
	struct error cut;          /* why areas are missing; code 0: none are */
	int sysroot;               /* -1: none */
	struct {
		struct area *items;
		size_t nr, cap;
	} areas;
	struct {
		const VmaEntry **items;
		size_t nr, cap;
	} guards;
	struct {
		struct segment *items;
		size_t nr, cap;
	} segments;
	struct {
		struct mapped_file *items;
		size_t nr, cap;
	} files;
	struct {
		char **items;
		size_t nr, cap;
	} names; /* made up for memfds */
};

void memory_view_close(struct memory_view *mv)
{
	if (!mv)
		return;
	page_store_close(mv->own);
	for (size_t i = 0; i < mv->segments.nr; i++)
		page_store_close(mv->segments.items[i].store);
	for (size_t i = 0; i < mv->files.nr; i++)
		fd_close(mv->files.items[i].fd);
	for (size_t i = 0; i < mv->names.nr; i++)
		free(mv->names.items[i]);
	free(mv->areas.items);
	free(mv->guards.items);
	free(mv->segments.items);
	free(mv->files.items);
	free(mv->names.items);
	fd_close(mv->sysroot);
	mm_load_free(mv->load);
	if (mv->mm)
		mm_entry__free_unpacked(mv->mm, NULL);
	free(mv);
}

/* A file nobody knows: one that is not there, or may be where damage was passed over. */
static void file_missing(struct memory_view *mv, struct area *area)
{
	const struct error *damage = checkpoint_files_damage(mv->cp);
	area->unknown = damage != NULL;
	if (damage)
		mv->files_damage = *damage;
}

/* The inode of a memfd says which segment has its pages; anonymous ones are called /dev/zero. */
static int memfd_resolve(struct memory_view *mv, struct area *area, struct error *err)
{
	const FileEntry *file = NULL;
	const MemfdInodeEntry *inode = NULL;
	int rc = checkpoint_file(mv->cp, FD_TYPES__MEMFD, area->file_id, &file, err);
	if (rc == 1 && file->memfd)
		rc = checkpoint_memfd(mv->cp, file->memfd->inode_id, &inode, err);
	if (rc < 0)
		return rc;
	if (!inode) { /* dangling: an area without pages, which verify reports */
		file_missing(mv, area);
		return 0;
	}
	area->segment = inode->shmid;
	area->has_segment = true;
	if (!strcmp(inode->name, "/dev/zero")) {
		area->kind = AREA_SHMEM;
		return 0;
	}
	auto_free char *path = NULL;
	if (asprintf(&path, "memfd:%s", inode->name) < 0)
		path = NULL; /* undefined until here */
	char **name = path ? array_add(&mv->names) : NULL;
	if (!name)
		return error_set(err, ENOMEM, "memfd.img: out of memory");
	area->path = *name = take_ptr(path);
	return 0;
}

static int path_resolve(struct memory_view *mv, struct area *area, struct error *err)
{
	const FileEntry *file = NULL;
	int rc = checkpoint_file(mv->cp, FD_TYPES__REG, area->file_id, &file, err);
	if (rc == 1 && file->reg)
		area->path = file->reg->name;
	else if (rc == 0)
		file_missing(mv, area);
	return rc < 0 ? rc : 0;
}

static int area_fill(struct memory_view *mv, const VmaEntry *vma, struct area *area,
		     struct error *err)
{
	*area = (struct area){ .vma = vma, .kind = area_kind_of(vma), .path = "" };
	area->private = !(vma->flags & MAP_SHARED);
	area->no_dump = vma->has_madv && vma->madv & (1ull << MADV_DONTDUMP);
	switch (area->kind) {
	case AREA_FILE:
	case AREA_FILE_SHARED:
		area->file_id = (uint32_t)vma->shmid;
		return path_resolve(mv, area, err);
	case AREA_MEMFD:
		area->file_id = (uint32_t)vma->shmid;
		return memfd_resolve(mv, area, err);
	case AREA_SHMEM:
	case AREA_SYSV:
		area->segment = vma->shmid;
		area->has_segment = true;
		return 0;
	default:
		return 0;
	}
}

static int area_compare(const void *a_, const void *b_)
{
	const struct area *a = a_, *b = b_;
	return (a->vma->start > b->vma->start) - (a->vma->start < b->vma->start);
}

static int guard_compare(const void *a_, const void *b_)
{
	const VmaEntry *a = *(const VmaEntry *const *)a_, *b = *(const VmaEntry *const *)b_;
	return (a->start > b->start) - (a->start < b->start);
}

static int area_check(uint32_t pid, const VmaEntry *vma, uint64_t after, struct error *err)
{
	if (vma->start >= vma->end || vma->start % PAGE || vma->end % PAGE || vma->start < after)
		return error_set(err, EBADMSG,
				 "mm-%u.img: area %#" PRIx64 "-%#" PRIx64
				 " is empty, not at pages, or overlaps the one before it",
				 pid, vma->start, vma->end);
	return 0;
}

static int vma_add(struct memory_view *mv, const VmaEntry *vma, struct error *err)
{
	if (vma->status & VMA_AREA_GUARD) {
		const VmaEntry **guard = array_add(&mv->guards);
		if (!guard)
			return error_set(err, ENOMEM, "mm-%u.img: out of memory", mv->pid);
		*guard = vma;
		return 0;
	}
	struct area *area = array_add(&mv->areas);
	if (!area)
		return error_set(err, ENOMEM, "mm-%u.img: out of memory", mv->pid);
	struct error why;
	int rc = area_fill(mv, vma, area, &why);
	if (rc == -EBADMSG) {
		area->unknown = true;
		mv->files_damage = why;
		return 0;
	}
	return rc < 0 ? error_set(err, rc, "%s", why.text) : 0;
}

/* Areas come in order, but for guards; images made by hand may have others. */
static void areas_sort(struct memory_view *mv)
{
	bool sorted = true;
	for (size_t i = 1; i < mv->areas.nr; i++)
		sorted &= area_compare(&mv->areas.items[i - 1], &mv->areas.items[i]) <= 0;
	if (!sorted)
		qsort(mv->areas.items, mv->areas.nr, sizeof(struct area), area_compare);
	if (mv->guards.nr)
		qsort(mv->guards.items, mv->guards.nr, sizeof(VmaEntry *), guard_compare);
}

static int areas_check(struct memory_view *mv, struct error *err)
{
	uint64_t after = 0;
	for (size_t i = 0; i < mv->areas.nr; i++) {
		const VmaEntry *vma = mv->areas.items[i].vma;
		int rc = area_check(mv->pid, vma, after, err);
		if (rc < 0)
			return rc;
		after = vma->end;
	}
	for (size_t i = 0; i < mv->guards.nr; i++) {
		int rc = area_check(mv->pid, mv->guards.items[i], 0, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* @return 1 more to come; 0 */
static int areas_fill(struct memory_view *mv, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < PER_STEP && mv->nr_filled < mv->mm->n_vmas; i++)
		rc = vma_add(mv, mv->mm->vmas[mv->nr_filled++], err);
	if (rc < 0 || mv->nr_filled < mv->mm->n_vmas)
		return rc < 0 ? rc : 1;
	areas_sort(mv);
	return areas_check(mv, err);
}

/* No page map is no error: nothing of it was dumped. */
static int store_need(int rc, const struct error *why, struct error *err)
{
	return rc < 0 && rc != -ENOENT ? error_set(err, rc, "%s", why->text) : 0;
}

int memory_view_begin(struct checkpoint *cp, const struct process *p, const char *sysroot,
		      struct memory_view **out, struct error *err)
{
	auto_memory_view mv = calloc(1, sizeof(*mv));
	if (!mv)
		return error_set(err, ENOMEM, "out of memory");
	mv->cp = cp;
	mv->pid = p->pid;
	mv->sysroot = -1;
	mv->whole_index = true;
	if (sysroot) {
		mv->sysroot = sysroot_open(sysroot, err);
		if (mv->sysroot < 0)
			return mv->sysroot;
	}
	int rc = mm_load_begin(cp, p, &mv->load, err);
	if (rc < 0)
		return rc;
	struct error why;
	rc = page_store_open(checkpoint_source(cp), p->pid, &mv->own, &why);
	if (rc == -EBADMSG || (rc == -ENOENT && process_misses(cp, p)))
		error_set(&mv->own_damage, EBADMSG, "%s", why.text);
	else
		rc = store_need(rc, &why, err);
	if (rc < 0 && !mv->own_damage.code)
		return rc;
	*out = take_ptr(mv);
	return 0;
}

int memory_view_step(struct memory_view *mv, struct error *err)
{
	int rc;
	if (mv->load) {
		const struct source *src = checkpoint_source(mv->cp);
		size_t mark = damage_mark(src);
		rc = mm_load_step(mv->load, PER_STEP, err);
		if (rc != 0)
			return rc;
		const struct error *damage = damage_since(src, mark);
		if (damage)
			mv->cut = *damage;
		mv->mm = mm_load_take(mv->load);
		mm_load_free(mv->load);
		mv->load = NULL;
		return 1;
	}
	if (mv->nr_filled < mv->mm->n_vmas || !mv->areas.nr) {
		rc = areas_fill(mv, err);
		if (rc != 0 || !mv->whole_index)
			return rc;
	}
	/* what is wrong with the page map is said by who asks for pages */
	return mv->own && page_store_index(mv->own, PER_STEP, NULL) > 0;
}

int memory_view_open(struct checkpoint *cp, const struct process *p, const char *sysroot,
		     struct memory_view **out, struct error *err)
{
	auto_memory_view mv = NULL;
	int rc = memory_view_begin(cp, p, sysroot, &mv, err);
	if (rc < 0)
		return rc;
	mv->whole_index = false;
	struct error why;
	while ((rc = memory_view_step(mv, &why)) > 0)
		;
	rc = damage_pass(checkpoint_source(cp), rc, &why, err);
	if (rc == 0)
		*out = take_ptr(mv);
	return rc;
}

static int own_need(const struct memory_view *mv, struct error *err)
{
	return mv->own_damage.code ? error_set(err, mv->own_damage.code, "%s", mv->own_damage.text)
				   : 0;
}

int memory_view_stored(struct memory_view *mv, uint64_t *bytes, struct error *err)
{
	uint64_t pages = 0;
	int rc = own_need(mv, err);
	if (rc == 0 && mv->own)
		rc = page_store_present(mv->own, &pages, err);
	*bytes = pages * PAGE;
	return rc;
}

const char *memory_view_damage(const struct memory_view *mv)
{
	return mv->files_damage.text;
}

const struct error *memory_view_cut(const struct memory_view *mv)
{
	return mv->cut.code ? &mv->cut : NULL;
}

bool memory_view_passes(const struct memory_view *mv, int rc, const struct error *why)
{
	return damage_noted(checkpoint_source(mv->cp), rc, why);
}

const MmEntry *memory_view_mm(const struct memory_view *mv)
{
	return mv->mm;
}

size_t memory_view_areas(const struct memory_view *mv, const struct area **out)
{
	*out = mv->areas.items;
	return mv->areas.nr;
}

const struct area *memory_view_find(const struct memory_view *mv, uint64_t addr)
{
	size_t low = array_lower_bound(mv->areas.nr, k, mv->areas.items[k].vma->end <= addr);
	return low < mv->areas.nr ? &mv->areas.items[low] : NULL;
}

static int segment_store(struct memory_view *mv, uint64_t id, struct page_store **out,
			 struct error *err)
{
	for (size_t i = 0; i < mv->segments.nr; i++) {
		if (mv->segments.items[i].id == id) {
			*out = mv->segments.items[i].store;
			return 0;
		}
	}
	struct error why;
	struct page_store *store = NULL;
	int rc = page_store_open_shmem(checkpoint_source(mv->cp), id, &store, &why);
	rc = store_need(rc, &why, err);
	if (rc < 0)
		return rc;
	struct segment *segment = array_add(&mv->segments);
	if (!segment) {
		page_store_close(store);
		return error_set(err, ENOMEM, "out of memory for shared segments");
	}
	*segment = (struct segment){ id, store };
	*out = store;
	return 0;
}

/* Cut a run where its guard state changes. @return whether it is a guard */
static bool guard_cut(const struct memory_view *mv, struct memory_run *run)
{
	size_t low = array_lower_bound(mv->guards.nr, k, mv->guards.items[k]->end <= run->start);
	if (low == mv->guards.nr || mv->guards.items[low]->start >= run->end)
		return false;
	const VmaEntry *guard = mv->guards.items[low];
	if (guard->start > run->start) {
		run->end = guard->start;
		return false;
	}
	if (guard->end < run->end)
		run->end = guard->end;
	return true;
}

/*
 * What one store says about run->start, at `at` in the store's own addresses; shortens the run.
 * @return 1 when it has the pages; 0 for a hole; -errno
 */
static int store_look(struct page_store *store, uint64_t at, struct memory_run *run,
		      struct error *err)
{
	static const enum page_state states[] = {
		[PAGE_PRESENT] = PG_STORED,
		[PAGE_PARENT] = PG_PARENT,
		[PAGE_LAZY] = PG_LAZY,
		[PAGE_ZERO] = PG_ZERO,
	};
	struct page_run found;
	if (!store)
		return 0;
	int rc = page_store_find(store, at, &found, err);
	if (rc <= 0)
		return rc;
	bool covers = found.addr <= at;
	uint64_t left = covers ? found.addr + found.nr_pages * PAGE - at : found.addr - at;
	if (left < run->end - run->start)
		run->end = run->start + left;
	if (covers)
		run->state = states[found.kind];
	return covers;
}

static uint64_t segment_offset(const struct area *area, uint64_t addr)
{
	return area->vma->pgoff + (addr - area->vma->start);
}

int memory_view_run(struct memory_view *mv, const struct area *area, uint64_t addr,
		    struct memory_run *out, struct error *err)
{
	struct memory_run run = { addr, area->vma->end, PG_HOLE };
	if (addr < area->vma->start || addr >= area->vma->end)
		return error_set(err, EINVAL, "%#" PRIx64 " is outside of the area", addr);
	if (guard_cut(mv, &run)) {
		run.state = PG_GUARD;
		*out = run;
		return 0;
	}
	if (area->unknown && area->kind == AREA_MEMFD)
		return error_set(err, mv->files_damage.code, "%s", mv->files_damage.text);
	bool in_own = area->private || !area->has_segment;
	int rc = in_own ? own_need(mv, err) : 0;
	if (rc == 0 && in_own)
		rc = store_look(mv->own, addr, &run, err);
	if (rc == 0 && area->has_segment) {
		struct page_store *store = NULL;
		rc = segment_store(mv, area->segment, &store, err);
		if (rc == 0)
			rc = store_look(store, segment_offset(area, addr), &run, err);
	}
	if (rc < 0)
		return rc;
	if (rc == 0 && (area->kind == AREA_FILE || area->kind == AREA_FILE_SHARED))
		run.state = PG_FILE;
	*out = run;
	return 0;
}

/* The kernel fills these; what was not dumped is not known. */
static bool holes_are_zero(const struct area *area)
{
	return area->kind != AREA_VVAR && area->kind != AREA_VSYSCALL && area->kind != AREA_VDSO &&
	       area->kind != AREA_AIO && area->kind != AREA_SOCKET;
}

/** @return a borrowed descriptor, or -1: no such file, or a changed one */
static int mapped_file(struct memory_view *mv, uint32_t id)
{
	for (size_t i = 0; i < mv->files.nr; i++) {
		if (mv->files.items[i].id == id)
			return mv->files.items[i].fd;
	}
	const FileEntry *file = NULL;
	auto_fd fd = -1;
	if (checkpoint_file(mv->cp, FD_TYPES__REG, id, &file, NULL) == 1 && file->reg)
		fd = sysroot_mapped(mv->sysroot, file->reg, NULL);
	struct mapped_file *slot = array_add(&mv->files);
	if (!slot)
		return -1;
	*slot = (struct mapped_file){ id, fd < 0 ? -1 : take_fd(fd) };
	return slot->fd;
}

static int file_read(struct memory_view *mv, const struct area *area, uint64_t addr, void *buf,
		     size_t len, bool *known, struct error *err)
{
	memset(buf, 0, len);
	int fd = mv->sysroot >= 0 ? mapped_file(mv, area->file_id) : -1;
	*known = fd >= 0;
	if (fd < 0)
		return 0;
	uint64_t offset = segment_offset(area, addr);
	if (offset <= INT64_MAX && fd_pread_full(fd, buf, len, (off_t)offset) < 0)
		return error_sys(err, "read %s", area->path);
	return 0;
}

/* Where the pages of a run are, and at which address there. */
static int run_store(struct memory_view *mv, const struct area *area, const struct memory_run *run,
		     struct page_store **store, uint64_t *at, struct error *err)
{
	struct page_run own;
	bool in_own = mv->own && (area->private || !area->has_segment);
	int rc = in_own ? page_store_find(mv->own, run->start, &own, err) : 0;
	*store = mv->own;
	*at = run->start;
	if (rc < 0 || (rc > 0 && own.addr <= run->start))
		return rc < 0 ? rc : 0;
	*at = segment_offset(area, run->start);
	return segment_store(mv, area->segment, store, err);
}

bool memory_view_hole(struct memory_view *mv, struct memory_run *run)
{
	const struct area *area = memory_view_find(mv, run->start);
	struct page_store *store = NULL;
	uint64_t at, len = run->end - run->start;
	if ((run->state != PG_STORED && run->state != PG_PARENT) || !area || len < PAGE ||
	    run_store(mv, area, run, &store, &at, NULL) < 0 || !store)
		return false;
	bool hole = page_store_hole(store, at, &len);
	run->end = run->start + len;
	return hole;
}

/* Part of one run: the bytes, and whether they are to be had. */
static int run_read(struct memory_view *mv, const struct area *area, const struct memory_run *run,
		    void *buf, bool *known, struct error *err)
{
	size_t len = (size_t)(run->end - run->start);
	struct page_store *store;
	uint64_t at;
	*known = true;
	switch (run->state) {
	case PG_FILE:
		return file_read(mv, area, run->start, buf, len, known, err);
	case PG_STORED:
	case PG_PARENT:
		break;
	case PG_HOLE:
		*known = holes_are_zero(area);
		memset(buf, 0, len);
		return 0;
	case PG_ZERO:
	case PG_LAZY:
	case PG_GUARD:
		*known = run->state == PG_ZERO;
		memset(buf, 0, len);
		return 0;
	}
	int rc = run_store(mv, area, run, &store, &at, err);
	return rc < 0 ? rc : page_store_read(store, at, buf, len, NULL, err);
}

int memory_view_read(struct memory_view *mv, uint64_t addr, void *buf_, size_t len, uint8_t *known,
		     struct error *err)
{
	unsigned char *buf = buf_;
	uint64_t end;
	if (__builtin_add_overflow(addr, len, &end))
		return error_set(err, EINVAL, "%zu bytes at %#" PRIx64 " pass the end of memory",
				 len, addr);
	while (addr < end) {
		const struct area *area = memory_view_find(mv, addr);
		struct memory_run run = { addr, end, PG_HOLE };
		bool have = false;
		if (!area || area->vma->start > addr) {
			if (area && area->vma->start < end)
				run.end = area->vma->start;
			memset(buf, 0, (size_t)(run.end - addr));
		} else {
			int rc = memory_view_run(mv, area, addr, &run, err);
			if (rc == 0 && run.end > end)
				run.end = end;
			if (rc == 0)
				rc = run_read(mv, area, &run, buf, &have, err);
			if (rc < 0)
				return rc;
		}
		if (known) {
			size_t first = addr / PAGE, last = (run.end - 1) / PAGE;
			memset(known, have, last - first + 1);
			known += run.end / PAGE - first;
		}
		buf += run.end - addr;
		addr = run.end;
	}
	return 0;
}

ssize_t memory_view_string(struct memory_view *mv, uint64_t addr, char *out, size_t max,
			   struct error *err)
{
	size_t len = 0;
	while (len + 1 < max) {
		char piece[256];
		uint8_t known[2];
		size_t want = PAGE - (addr + len) % PAGE;
		if (want > sizeof(piece))
			want = sizeof(piece);
		if (want > max - 1 - len)
			want = max - 1 - len;
		int rc = memory_view_read(mv, addr + len, piece, want, known, err);
		if (rc < 0)
			return rc;
		size_t got = known[0] ? strnlen(piece, want) : 0;
		memcpy(out + len, piece, got);
		len += got;
		if (got < want)
			break;
	}
	out[len] = '\0';
	return (ssize_t)len;
}
