/* SPDX-License-Identifier: MIT
 * Shared anonymous memory, both directions: a segment is written once, however many tasks map it,
 * and made again before the first task is born.
 */
#include "engine/mem/shmem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/page.h"
#include "engine/mem/fill.h"
#include "engine/mem/huge.h"
#include "engine/mem/mem.h"
#include "engine/mem/memfd-alias.h"
#include "engine/mem/pages.h"
#include "engine/mem/sysv.h"
#include "engine/mem/vdso.h"
#include "engine/procfs/root.h"

struct shmem_seen { /* one segment of a dump */
	dev_t dev;
	ino_t ino;
	uint64_t id;
	uint64_t size; /* as far as anybody maps it; of a file, all of it in whole pages */
	uint64_t huge; /* bytes of its huge pages; 0: small ones */
	bool sysv;     /* of System V: by its id alone; others by device and inode */
	int fd;        /* a file of its own to read it through; -1: by the mapping */
	struct task *task;
	uint64_t start, end; /* of one mapping of it in that task */
};
struct shmem_table {
	struct shmem_seen *items;
	size_t nr, cap;
};

struct shmem_made { /* one segment of a restore */
	uint64_t id, size;
	uint32_t flags, huge; /* huge: MAP_HUGETLB and the size */
	int fd;
};
struct shmem_set {
	struct shmem_made *items;
	size_t nr, cap;
	struct memfd_aliases aliases;
	bool aliases_read;
};

void shmem_table_free(struct shmem_table *table)
{
	for (size_t i = 0; table && i < table->nr; i++)
		fd_close(table->items[i].fd);
	if (table)
		free(table->items);
	free(table);
}

static struct shmem_seen *seen_find(const struct shmem_table *table, dev_t dev, ino_t ino)
{
	for (size_t i = 0; table && i < table->nr; i++)
		if (!table->items[i].sysv && table->items[i].dev == dev &&
		    table->items[i].ino == ino)
			return &table->items[i];
	return NULL;
}

static struct shmem_seen *seen_find_sysv(const struct shmem_table *table, uint64_t id)
{
	for (size_t i = 0; table && i < table->nr; i++)
		if (table->items[i].sysv && table->items[i].id == id)
			return &table->items[i];
	return NULL;
}

static bool id_is_taken(const struct shmem_table *table, uint64_t id)
{
	for (size_t i = 0; table && i < table->nr; i++)
		if (table->items[i].id == id)
			return true;
	return sysv_exists(id, NULL); /* their ids are not ours to choose */
}

/* The inode number, as readers of the images expect; two file systems may have the same one. */
uint64_t shmem_choose_id(const struct shmem_table *table, ino_t ino)
{
	uint64_t id = (uint32_t)ino;

	while (id_is_taken(table, id))
		id++;
	return id;
}

static struct shmem_seen *seen_add(struct dump *d, const struct shmem_seen *wanted,
				   struct error *err)
{
	if (!d->shmem)
		d->shmem = calloc(1, sizeof(*d->shmem));
	struct shmem_seen *s = d->shmem ? array_add(d->shmem) : NULL;
	if (!s) {
		error_set(err, ENOMEM, "out of memory for shared segments");
		return NULL;
	}
	*s = *wanted;
	s->fd = -1;
	return s;
}

/* Found or added. @return NULL: no memory */
static struct shmem_seen *seen_of_file(struct dump *d, dev_t dev, ino_t ino, struct error *err)
{
	struct shmem_seen *s = seen_find(d->shmem, dev, ino);
	const struct shmem_seen wanted = { .dev = dev,
					   .ino = ino,
					   .id = s ? s->id : shmem_choose_id(d->shmem, ino) };
	return s ? s : seen_add(d, &wanted, err);
}

static struct shmem_seen *seen_of_sysv(struct dump *d, uint64_t id, struct error *err)
{
	struct shmem_seen *s = seen_find_sysv(d->shmem, id);
	const struct shmem_seen wanted = { .id = id, .sysv = true };
	return s ? s : seen_add(d, &wanted, err);
}

static int note_file(struct shmem_seen *s, const struct stat *st, int fd, uint64_t huge)
{
	uint64_t page = huge ? huge : PAGE;
	uint64_t size = ((uint64_t)st->st_size + page - 1) / page * page;

	if (!s) {
		fd_close(fd);
		return -ENOMEM;
	}
	fd_close(s->fd);
	s->fd = fd;
	s->huge = huge;
	if (s->size < size)
		s->size = size;
	return 0;
}

int shmem_note_file(struct dump *d, const struct stat *st, int fd, uint64_t huge, uint64_t *id,
		    struct error *err)
{
	struct shmem_seen *s = seen_of_file(d, st->st_dev, st->st_ino, err);
	if (s)
		*id = s->id;
	return note_file(s, st, fd, huge);
}

int shmem_note_sysv(struct dump *d, const struct stat *st, int fd, uint64_t huge, uint64_t id,
		    struct error *err)
{
	return note_file(seen_of_sysv(d, id, err), st, fd, huge);
}

int shmem_note(struct dump *d, struct task *t, struct vma *v, struct error *err)
{
	uint64_t size;

	if (__builtin_add_overflow(v->pgoff, vma_len(v), &size))
		return error_set(err, EBADMSG, "pid %d: mapping %#lx: offset too large", t->pid,
				 (unsigned long)v->start);

	bool sysv = v->status & VMA_AREA_SYSVIPC; /* sysv_note() knows it */
	struct shmem_seen *s =
	    sysv ? seen_of_sysv(d, v->shmid, err) : seen_of_file(d, v->dev, v->ino, err);
	if (!s)
		return -ENOMEM;
	if (!s->task && s->fd < 0) {
		s->task = t;
		s->start = v->start;
		s->end = v->end;
		s->huge = v->flags & MAP_HUGETLB ? v->page_size : 0;
	}
	uint64_t whole = sysv ? (sysv_size(d, v->shmid) + PAGE - 1) & ~(PAGE - 1) : 0;
	if (size < whole)
		size = whole;
	if (s->size < size)
		s->size = size;
	v->shmid = s->id;
	return 0;
}

/* Every page the segment has, swapped out or not: its file knows. */
static int find_data(int fd, uint64_t size, struct mem_run_list *runs)
{
	for (uint64_t at = 0; at < size;) {
		off_t data = lseek(fd, at, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO ? 0 : -errno;
		off_t hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		if ((uint64_t)data >= size)
			return 0;
		uint64_t end = ((uint64_t)hole + PAGE - 1) & ~(PAGE - 1);
		struct mem_run run = { .start = data & ~(PAGE - 1),
				       .end = end < size ? end : size,
				       .flags = PE_PRESENT };
		int rc = mem_run_add(runs, &run);
		if (rc < 0)
			return rc;
		at = end;
	}
	return 0;
}

/* Files of huge pages do not tell holes: what reads as zero needs no page. */
static int find_huge_data(int fd, uint64_t size, uint64_t huge, struct mem_run_list *runs)
{
	size_t piece = huge < (2u << 20) ? huge : 2u << 20;
	auto_free char *buf = malloc(piece);
	int rc = buf ? 0 : -ENOMEM;

	for (uint64_t at = 0; rc == 0 && at < size; at += piece) {
		ssize_t n = fd_pread_full(fd, buf, piece, (off_t)at);
		if (n <= 0)
			return n < 0 ? (int)n : 0;
		struct mem_run run = { .start = at, .end = at + piece, .flags = PE_PRESENT };
		if ((size_t)n < piece || !bytes_are_zero(buf, piece))
			rc = mem_run_add(runs, &run);
	}
	return rc;
}

static int read_segment(void *ctx, const struct mem_run *runs, size_t nr, void *buf,
			struct error *err)
{
	int fd = *(int *)ctx;
	char *p = buf;

	for (size_t i = 0; i < nr; i++) {
		size_t len = runs[i].end - runs[i].start;
		ssize_t n = fd_pread_full(fd, p, len, runs[i].start);
		if (n < 0)
			return error_code(err, (int)n, "read shared memory at %#lx",
					  (unsigned long)runs[i].start);
		/* the last page of a file is its own to the end of the file */
		memset(p + n, 0, len - (size_t)n);
		p += len;
	}
	return 0;
}

static int open_segment(const struct shmem_seen *s, struct error *err)
{
	char name[64];

	if (s->fd >= 0)
		return fcntl(s->fd, F_DUPFD_CLOEXEC, 3);
	snprintf(name, sizeof(name), "map_files/%lx-%lx", (unsigned long)s->start,
		 (unsigned long)s->end);
	int fd = openat(s->task->proc_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err,
				 "open /proc/%d/%s (shared memory needs CAP_CHECKPOINT_RESTORE)",
				 s->task->pid, name);
	return fd;
}

static int dump_segment(struct dump *d, const struct shmem_seen *s, struct error *err)
{
	auto_fd fd = open_segment(s, err);
	if (fd < 0)
		return fd;

	struct mem_run_list runs = { 0 };
	struct page_reader from = { read_segment, &fd };
	int rc =
	    s->huge ? find_huge_data(fd, s->size, s->huge, &runs) : find_data(fd, s->size, &runs);
	if (rc < 0)
		rc = error_code(err, rc, "find the pages of shared segment %lu",
				(unsigned long)s->id);
	else
		rc = pages_write(d, IMG_SHMEM_PAGEMAP, s->id, &runs, &from,
				 &d->stats.shpages_written, err);
	d->stats.shpages_scanned += s->size / PAGE;
	free(runs.items);
	return rc;
}

int mem_dump_shared(struct dump *d, struct error *err)
{
	for (size_t i = 0; d->shmem && i < d->shmem->nr; i++) {
		int rc = dump_segment(d, &d->shmem->items[i], err);
		if (rc < 0)
			return rc;
	}
	return sysv_write(d, err);
}

void shmem_set_free(struct shmem_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->nr; i++)
		fd_close(set->items[i].fd);
	free(set->items);
	free(set->aliases.items);
	free(set);
}

static struct shmem_made *find_made(const struct shmem_set *set, uint64_t id)
{
	for (size_t i = 0; set && i < set->nr; i++)
		if (set->items[i].id == id)
			return &set->items[i];
	return NULL;
}

int shmem_fd(const struct shmem_set *set, uint64_t shmid)
{
	const struct shmem_made *s = find_made(set, shmid);

	return s ? s->fd : -1;
}

static int need_set(struct restore *r, struct error *err)
{
	if (!r->shmem)
		r->shmem = calloc(1, sizeof(*r->shmem));
	return r->shmem ? 0 : error_set(err, ENOMEM, "out of memory for shared segments");
}

static int want_segment(struct shmem_set *set, const struct vma *v, uint64_t size,
			struct error *err)
{
	struct shmem_made *s = find_made(set, v->shmid);

	if (!s) {
		s = array_add(set);
		if (!s)
			return error_set(err, ENOMEM, "out of memory for shared segments");
		*s = (struct shmem_made){ .id = v->shmid, .flags = MAP_NORESERVE, .fd = -1 };
	}
	if (s->size < size)
		s->size = size;
	s->flags &= v->flags;
	s->huge = v->flags & (MAP_HUGETLB | HUGE_MASK);
	return 0;
}

int shmem_resolve(struct restore *r, struct vma *v, struct error *err)
{
	int rc = need_set(r, err);

	if (rc == 0 && !r->shmem->aliases_read) {
		rc = memfd_aliases_load(r->images, &r->shmem->aliases, err);
		r->shmem->aliases_read = true;
	}
	if (rc < 0)
		return rc;
	const struct memfd_alias *a = memfd_alias_find(&r->shmem->aliases, v->shmid);
	if (!a || !(v->status & VMA_FILE_SHARED))
		return 0;
	v->status = VMA_AREA_REGULAR | VMA_ANON_SHARED;
	v->flags |= MAP_ANONYMOUS;
	v->shmid = a->shmid;
	/* The segment may be larger than what is still mapped of it. */
	rc = want_segment(r->shmem, v, (a->size + PAGE - 1) & ~(PAGE - 1), err);
	return rc < 0 ? rc : 1;
}

/* The descriptor behind a mapping of ours: the same kind of file the segment had. */
static int open_mapping(void *addr, uint64_t len, uint32_t huge)
{
	char name[80];

	snprintf(name, sizeof(name), "self/map_files/%lx-%lx", (unsigned long)addr,
		 (unsigned long)addr + (unsigned long)len);
	int fd = procfs_open(name, O_RDWR);
	if (fd >= 0)
		return fd;
	log_warn("open /proc/%s: %m; shared memory will look like a memfd in the tasks' maps",
		 name);
	fd = memfd_create("dev/zero", MFD_CLOEXEC | (huge & HUGE_MASK) | (huge ? MFD_HUGETLB : 0));
	if (fd >= 0 && ftruncate(fd, len) < 0) {
		fd_close(fd);
		return -1;
	}
	return fd;
}

static int make_segment(struct restore *r, struct shmem_made *s, struct error *err)
{
	void *addr =
	    mmap(NULL, s->size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | (s->flags & MAP_NORESERVE) | (int)s->huge, -1, 0);
	if (addr == MAP_FAILED)
		return error_sys(err, "map shared segment %lu of %lu bytes%s", (unsigned long)s->id,
				 (unsigned long)s->size,
				 s->huge ? " (are there enough huge pages?)" : "");
	s->fd = open_mapping(addr, s->size, s->huge);
	int rc = s->fd < 0 ? error_sys(err, "open shared segment %lu", (unsigned long)s->id)
			   : fill_segment(r->images, s->id, s->fd, s->size, s->huge, err);
	munmap(addr, s->size);
	return rc;
}

/* Where no task has anything, tasks may prepare things for their children too. */
static int note_busy(struct range_list *busy, const struct rtask *t, struct error *err)
{
	for (size_t i = 0; i < t->vmas.nr; i++) {
		const struct vma *v = &t->vmas.items[i];
		struct range *last = busy->nr ? &busy->items[busy->nr - 1] : NULL;
		if (last && last->end == v->start) {
			last->end = v->end;
			continue;
		}
		struct range *r = array_add(busy);
		if (!r)
			return error_set(err, ENOMEM, "out of memory for address ranges");
		*r = (struct range){ v->start, v->end };
	}
	return 0;
}

static int want_mapped(struct restore *r, const struct vma *v, struct error *err)
{
	if (v->status & VMA_AREA_SYSVIPC)
		return 0;
	return want_segment(r->shmem, v, v->pgoff + vma_len(v), err); /* mem_load() checked it */
}

/* What tasks share and no path leads to has to be made before the first is born. */
static int open_memfd(struct restore *r, const struct vma *v, struct error *err)
{
	int fd = mem_file_of(r, v, err);
	return fd < 0 ? fd : 0;
}

static int each_mapping(struct restore *r, uint32_t status,
			int (*fn)(struct restore *r, const struct vma *v, struct error *err),
			struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < r->nr_tasks; i++)
		for (size_t j = 0; rc == 0 && j < r->tasks[i]->vmas.nr; j++)
			if (r->tasks[i]->vmas.items[j].status & status)
				rc = fn(r, &r->tasks[i]->vmas.items[j], err);
	return rc;
}

static int note_all_busy(struct restore *r, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++)
		rc = note_busy(&r->busy, r->tasks[i], err);
	range_list_join(&r->busy);
	return rc;
}

int mem_prepare_shared(struct restore *r, struct error *err)
{
	int rc = need_set(r, err);
	if (rc == 0)
		rc = vdso_find(r, err);
	if (rc == 0)
		rc = note_all_busy(r, err);
	if (rc == 0)
		rc = each_mapping(r, VMA_ANON_SHARED, want_mapped, err);
	if (rc == 0)
		rc = sysv_prepare(r, err);
	for (size_t i = 0; rc == 0 && i < r->shmem->nr; i++)
		rc = make_segment(r, &r->shmem->items[i], err);
	return rc < 0 ? rc : each_mapping(r, VMA_AREA_MEMFD, open_memfd, err);
}
