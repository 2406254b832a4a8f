/* SPDX-License-Identifier: MIT
 * mm-PID.img, both directions: the layout of an address space, its mappings included.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/page.h"
#include "engine/files/file.h"
#include "engine/files/io-uring.h"
#include "engine/mem/aio.h"
#include "engine/mem/huge.h"
#include "engine/mem/mem.h"
#include "engine/mem/numa.h"
#include "engine/mem/pagemap.h"
#include "engine/mem/shmem.h"
#include "engine/mem/uapi.h"
#include "engine/mem/uprobes.h"
#include "engine/net/packet.h"
#include "engine/procfs/read.h"
#include "images/reader.h"
#include "images/writer.h"
#include "memory.pb-c.h"

#define FIVE_END ((1ull << 56) - PAGE) /* with five levels of page tables */
#define MAX_AUXV 512                   /* words; the kernel keeps some 50 */

/* All the bits an image may ask for. */
#define PROT_KNOWN (PROT_READ | PROT_WRITE | PROT_EXEC)
#define MAP_KNOWN                                                                                  \
	(MAP_SHARED | MAP_PRIVATE | MAP_DROPPABLE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_LOCKED |   \
	 MAP_NORESERVE | MAP_HUGETLB | HUGE_MASK)
#define MADV_KNOWN                                                                                 \
	(1ull << MADV_RANDOM | 1ull << MADV_SEQUENTIAL | 1ull << MADV_DONTFORK |                   \
	 1ull << MADV_MERGEABLE | 1ull << MADV_HUGEPAGE | 1ull << MADV_NOHUGEPAGE |                \
	 1ull << MADV_DONTDUMP | 1ull << MADV_WIPEONFORK)
#define STATUS_REFUSED (VMA_AREA_SHSTK | VMA_AREA_UPROBES)

#define AUXV_WORDS 44

static int dump_coredump_filter(const struct task *t, MmEntry *mm, struct error *err)
{
	long long n;
	int rc = proc_number_read(t->proc_fd, "coredump_filter", 16, &n, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : error_wrap(err, rc, "/proc/%d", t->pid);
	mm->has_coredump_filter = true;
	mm->coredump_filter = (uint32_t)n;
	return 0;
}

static int read_auxv(const struct task *t, MmEntry *mm, struct error *err)
{
	uint64_t words[512]; /* kernels have some 50 */
	int len = proc_record_read(t->proc_fd, "auxv", (char *)words, sizeof(words), err);
	if (len < 0)
		return error_wrap(err, len, TASK_FMT, TASK_ARGS(t));
	size_t nr = (size_t)len / sizeof(uint64_t);
	/* CRIU 4.2 refuses more than 44 words, as it has without the closing AT_NULL pair. */
	while (nr >= 2 && words[nr - 2] == 0)
		nr -= 2;
	mm->n_mm_saved_auxv = nr < AUXV_WORDS ? nr : AUXV_WORDS;
	mm->mm_saved_auxv = calloc(mm->n_mm_saved_auxv + 1, sizeof(uint64_t));
	if (!mm->mm_saved_auxv)
		return error_set(err, ENOMEM, "out of memory for auxv of pid %d", t->pid);
	memcpy(mm->mm_saved_auxv, words, mm->n_mm_saved_auxv * sizeof(uint64_t));
	return 0;
}

/* The break ends in the last page of the heap; only the inside knows the byte. */
static uint64_t find_brk(const struct task *t)
{
	if (t->inside.brk)
		return t->inside.brk;
	for (size_t i = 0; i < t->vmas.nr; i++)
		if (t->vmas.items[i].status & VMA_AREA_HEAP)
			return t->vmas.items[i].end;
	return t->stat.start_brk;
}

static int fill_mm(struct dump *d, struct task *t, MmEntry *mm, struct error *err)
{
	const struct proc_stat *st = &t->stat;

	mm->mm_start_code = st->start_code;
	mm->mm_end_code = st->end_code;
	mm->mm_start_data = st->start_data;
	mm->mm_end_data = st->end_data;
	mm->mm_start_stack = st->start_stack;
	mm->mm_start_brk = st->start_brk;
	mm->mm_brk = find_brk(t);
	mm->mm_arg_start = st->arg_start;
	mm->mm_arg_end = st->arg_end;
	mm->mm_env_start = st->env_start;
	mm->mm_env_end = st->env_end;
	mm->has_dumpable = true;
	mm->dumpable = t->inside.dumpable;
	mm->has_thp_disabled = true;
	mm->thp_disabled = t->inside.thp_disabled;
	mm->has_future_lock = t->inside.future_lock & MCL_FUTURE;
	mm->future_lock = t->inside.future_lock & (MCL_FUTURE | MCL_ONFAULT);
	int rc = files_dump_exe(d, t, &mm->exe_file_id, err);
	if (rc == 0)
		rc = dump_coredump_filter(t, mm, err);
	if (rc == 0)
		rc = aio_dump(t, mm, err);
	return rc < 0 ? rc : read_auxv(t, mm, err);
}

/* A ring of a packet socket is found by the descriptor of that. */
static int fill_socket(const struct dump *d, const struct vma *v, VmaEntry *e, struct error *err)
{
	uint32_t id = packet_mapped_id(d, (uint32_t)v->ino);
	if (!id)
		return error_set(
		    err, ENOTSUP,
		    "%s is mapped, but no descriptor of the tree leads to it: unmap it "
		    "before the dump",
		    v->path ? v->path : "a socket");
	e->shmid = id;
	return 0;
}

static int fill_ring(const struct dump *d, const struct vma *v, VmaEntry *e, struct error *err)
{
	uint32_t id;
	int rc = io_uring_mapped_id(d, v->dev, v->ino, &id);
	if (rc < 0)
		return error_set(err, ENOTSUP,
				 "a ring of io_uring is mapped, but %s: unmap it before the dump",
				 rc == -ENOENT ? "no descriptor of the tree leads to it"
					       : "this kernel does not tell which of several");
	e->shmid = id;
	return 0;
}

static int fill_vma(struct dump *d, struct task *t, const struct vma *v, VmaEntry *e,
		    struct error *err)
{
	uint32_t id;

	vma_entry__init(e);
	e->start = v->start;
	e->end = v->end;
	e->pgoff = v->pgoff;
	e->shmid = v->shmid;
	e->prot = v->prot;
	e->flags = v->flags;
	e->status = v->status;
	e->fd = -1;
	e->has_madv = v->madv != 0;
	e->madv = v->madv;
	e->has_sealed = e->sealed = v->vm_flags & VM_FLAG_SEALED;
	e->has_fdflags = v->has_fdflags;
	e->fdflags = v->fdflags;
	if ((v->status & VMA_ANON_SHARED) && memfd_is_held(d, v->dev, v->ino)) {
		/* one file for both, as CRIU knows it */
		e->status = VMA_AREA_REGULAR | VMA_AREA_MEMFD | VMA_FILE_SHARED;
		e->flags &= ~(uint32_t)MAP_ANONYMOUS;
		e->has_fdflags = true;
		e->fdflags = O_RDWR;
	}
	bool is_socket = e->status & VMA_AREA_SOCKET;
	if (is_socket || io_uring_is_mapped(v)) {
		int rc = is_socket ? fill_socket(d, v, e, err) : fill_ring(d, v, e, err);
		return rc < 0 ? error_wrap(err, rc, TASK_FMT ": mapping %#lx", TASK_ARGS(t),
					   (unsigned long)v->start)
			      : 0;
	}
	if (!(e->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED)))
		return 0;
	int rc = files_dump_mapped(d, t, v, &id, err);
	if (rc < 0)
		return rc;
	e->shmid = id;
	return 0;
}

static void fill_guard(const struct range *g, VmaEntry *e)
{
	vma_entry__init(e);
	e->start = g->start;
	e->end = g->end;
	e->status = VMA_AREA_GUARD;
	e->fd = -1;
}

static int write_mm(struct dump *d, struct task *t, MmEntry *mm, struct error *err)
{
	size_t nr = t->vmas.nr + t->vmas.guards.nr;
	auto_free VmaEntry *entries = calloc(nr, sizeof(*entries));
	auto_free VmaEntry **list = calloc(nr, sizeof(*list));
	auto_free NumaPolicyEntry *policies = calloc(t->inside.nr_policies + 1, sizeof(*policies));
	if (!policies || (nr && (!entries || !list)))
		return error_set(err, ENOMEM, "out of memory for mappings of pid %d", t->pid);

	for (size_t i = 0; i < t->inside.nr_policies; i++)
		numa_entry_of(&t->policies[i], &policies[i]);
	for (size_t i = 0; i < nr; i++) {
		list[i] = &entries[i];
		if (i >= t->vmas.nr) {
			fill_guard(&t->vmas.guards.items[i - t->vmas.nr], &entries[i]);
			continue;
		}
		int rc = fill_vma(d, t, &t->vmas.items[i], &entries[i], err);
		if (rc < 0)
			return rc;
		uint32_t policy = t->vmas.items[i].policy;
		entries[i].numa = policy ? &policies[policy - 1] : NULL;
	}
	mm->n_vmas = nr;
	mm->vmas = list;
	int rc = image_write_one(d->images_fd, IMG_MM, t->vpid, &mm->base, err);
	mm->n_vmas = 0;
	mm->vmas = NULL;
	return rc;
}

int mem_dump_task(struct dump *d, struct task *t, struct mem_run_list *pages, struct error *err)
{
	MmEntry mm = MM_ENTRY__INIT;
	int rc = pagemap_scan(t, pages, &d->stats.pages_scanned, err);

	if (rc == 0 && d->opts->allow_uprobes)
		rc = uprobes_drop_pages(d, t, pages, err);
	if (rc == 0)
		rc = fill_mm(d, t, &mm, err);
	if (rc == 0)
		rc = write_mm(d, t, &mm, err);
	free(mm.mm_saved_auxv);
	aio_entries_free(&mm);
	return rc;
}

static int bad_vma(const struct rtask *t, const VmaEntry *e, const char *what, struct error *err)
{
	return error_set(err, EBADMSG, "mm-%d.img: mapping %#lx-%#lx %s", t->pid,
			 (unsigned long)e->start, (unsigned long)e->end, what);
}

static int not_restored(const struct rtask *t, const VmaEntry *e, struct error *err)
{
	const struct vma v = { .status = e->status };

	return error_set(err, ENOTSUP,
			 "mm-%d.img: mapping %#lx-%#lx is a %s, which is not restored yet", t->pid,
			 (unsigned long)e->start, (unsigned long)e->end, vma_kind(&v));
}

static int check_range(const struct restore *r, const struct rtask *t, const VmaEntry *e,
		       struct error *err)
{
	if (e->start >= e->end)
		return bad_vma(t, e, "is empty or upside down", err);
	if (e->start % PAGE || e->end % PAGE)
		return bad_vma(t, e, "is not page aligned", err);
	if (e->end > FIVE_END)
		return bad_vma(t, e, "lies outside user addresses", err);
	if (e->end > r->user_end)
		return error_set(err, ENOTSUP,
				 "mm-%d.img: mapping %#lx-%#lx needs addresses of 57 bits: restore "
				 "it on a CPU that has them (la57)",
				 t->pid, (unsigned long)e->start, (unsigned long)e->end);
	return 0;
}

/* Exactly one kind, and the flags that belong to it. */
static int check_kind(const struct rtask *t, const VmaEntry *e, struct error *err)
{
	uint32_t kind =
	    e->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED | VMA_ANON_PRIVATE | VMA_ANON_SHARED);
	uint32_t type = e->flags & (MAP_SHARED | MAP_PRIVATE | MAP_DROPPABLE);
	bool anonymous = e->flags & MAP_ANONYMOUS;

	if (e->status & VMA_AREA_AIORING)
		return !kind && e->flags == MAP_SHARED ? 0 : bad_vma(t, e, "has odd flags", err);
	if ((e->status & VMA_AREA_SYSVIPC) && kind != VMA_ANON_SHARED)
		return bad_vma(t, e, "has odd flags", err);
	if (!kind && (e->status & VMA_AREA_SOCKET))
		return (type == MAP_SHARED || type == MAP_PRIVATE) && !anonymous
			   ? 0
			   : bad_vma(t, e, "has odd flags", err);
	switch (kind) {
	case VMA_FILE_PRIVATE:
		return type == MAP_PRIVATE && !anonymous ? 0 : bad_vma(t, e, "has odd flags", err);
	case VMA_FILE_SHARED:
		return type == MAP_SHARED && !anonymous ? 0 : bad_vma(t, e, "has odd flags", err);
	case VMA_ANON_SHARED:
		return type == MAP_SHARED && anonymous ? 0 : bad_vma(t, e, "has odd flags", err);
	case VMA_ANON_PRIVATE:
		return (type == MAP_PRIVATE || type == MAP_DROPPABLE) && anonymous
			   ? 0
			   : bad_vma(t, e, "has odd flags", err);
	default:
		return bad_vma(t, e, "is of no kind or of several", err);
	}
}

static bool is_whole_pages(const VmaEntry *e)
{
	uint64_t size = huge_size(e->flags);

	if (!(e->flags & MAP_HUGETLB))
		return !(e->flags & HUGE_MASK) || (e->status & VMA_AREA_MEMFD);
	return e->start % size == 0 && e->end % size == 0 && e->pgoff % size == 0;
}

static int check_vma(const struct restore *r, const struct rtask *t, const VmaEntry *e,
		     struct error *err)
{
	uint64_t end;
	int rc = check_range(r, t, e, err);

	if (rc < 0)
		return rc;
	if (e->status & STATUS_REFUSED)
		return not_restored(t, e, err);
	if (e->prot & ~(uint32_t)PROT_KNOWN)
		return bad_vma(t, e, "has an unknown protection", err);
	if (e->flags & ~(uint32_t)MAP_KNOWN)
		return bad_vma(t, e, "has unknown flags", err);
	if (!is_whole_pages(e))
		return bad_vma(t, e, "is not aligned to its huge pages", err);
	if (e->madv & ~MADV_KNOWN)
		return bad_vma(t, e, "has unknown advice", err);
	if (numa_check(e->numa, NULL) < 0)
		return bad_vma(t, e, "has a policy for too many nodes", err);
	if (e->pgoff % PAGE || __builtin_add_overflow(e->pgoff, e->end - e->start, &end) ||
	    end > INT64_MAX)
		return bad_vma(t, e, "has a bad offset", err);
	return check_kind(t, e, err);
}

static int load_guard(const struct restore *r, struct rtask *t, const VmaEntry *e,
		      struct error *err)
{
	int rc = check_range(r, t, e, err);

	if (rc < 0)
		return rc;
	struct range *g = array_add(&t->vmas.guards);
	if (!g)
		return error_set(err, ENOMEM, "out of memory for mappings of pid %d", t->pid);
	*g = (struct range){ e->start, e->end };
	return 0;
}

static struct vma vma_of(const VmaEntry *e)
{
	return (struct vma){
		.start = e->start,
		.end = e->end,
		.pgoff = e->pgoff,
		.shmid = e->shmid,
		.prot = e->prot,
		.flags = e->flags,
		.status =
		    (e->status & ~VMA_OWN_BITS) | (e->has_sealed && e->sealed ? VMA_SEALED : 0),
		.madv = e->madv,
		.has_fdflags = e->has_fdflags,
		.fdflags = e->fdflags,
		.numa = e->numa,
		.fd = -1,
	};
}

static int load_vma(const struct restore *r, struct rtask *t, const VmaEntry *e, struct error *err)
{
	int rc = check_vma(r, t, e, err);

	if (rc < 0)
		return rc;
	if (t->vmas.nr && t->vmas.items[t->vmas.nr - 1].end > e->start)
		return bad_vma(t, e, "overlaps the one before or is not in address order", err);
	struct vma v = vma_of(e);
	if (v.status & VMA_AREA_AIORING) {
		/* its contents, until the restorer has made the ring */
		v.status = VMA_AREA_AIORING | VMA_ANON_PRIVATE;
		v.flags = MAP_PRIVATE | MAP_ANONYMOUS;
	}
	struct vma *slot = array_add(&t->vmas);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory for mappings of pid %d", t->pid);
	*slot = v;
	return 0;
}

static int check_guards(struct rtask *t, struct error *err)
{
	for (size_t i = 0; i < t->vmas.guards.nr; i++) {
		const struct range *g = &t->vmas.guards.items[i];
		for (uint64_t at = g->start; at < g->end;) {
			const struct vma *v = vma_list_find(&t->vmas, at);
			if (!v || !vma_is_private(v))
				return error_set(err, EBADMSG,
						 "mm-%d.img: guard region %#lx-%#lx is not inside "
						 "private memory",
						 t->pid, (unsigned long)g->start,
						 (unsigned long)g->end);
			at = v->end;
		}
	}
	return 0;
}

/* Sets before 3.x kept the mappings in an image of their own. */
static int load_old_vmas(const struct restore *r, struct rtask *t, struct error *err)
{
	auto_image_reader in = NULL;
	int rc = image_open_typed(r->images, IMG_VMAS, t->pid, &in, err);
	if (rc < 0)
		return rc;
	for (;;) {
		auto_message ProtobufCMessage *m = NULL;
		rc = image_next(in, &m, err);
		if (rc <= 0)
			return rc;
		rc = load_vma(r, t, (VmaEntry *)m, err);
		if (rc < 0)
			return rc;
		t->vmas.items[t->vmas.nr - 1].numa =
		    NULL; /* of the entry that goes; no old set has it */
	}
}

static int load_vmas(const struct restore *r, struct rtask *t, struct error *err)
{
	int rc = 0;

	if (!t->mm->n_vmas)
		rc = load_old_vmas(r, t, err);
	for (size_t i = 0; rc == 0 && i < t->mm->n_vmas; i++) {
		const VmaEntry *e = t->mm->vmas[i];
		if (e->status & VMA_AREA_VSYSCALL)
			continue; /* the kernel has its own in every process */
		if (e->status & VMA_AREA_GUARD)
			rc = load_guard(r, t, e, err);
		else
			rc = load_vma(r, t, e, err);
	}
	if (rc == 0 && !t->vmas.nr)
		rc = error_set(err, EBADMSG, "mm-%d.img: no mappings", t->pid);
	return rc < 0 ? rc : check_guards(t, err);
}

/* Before Linux 6.10. What is not sealed any more works as before, only less guarded. */
static void warn_of_seals(const struct rtask *t)
{
	for (size_t i = 0; i < t->vmas.nr; i++) {
		const struct vma *v = &t->vmas.items[i];
		if (!(v->status & VMA_SEALED))
			continue;
		if (syscall(SYS_mseal, 0, 0, 0) < 0 && errno == ENOSYS)
			log_warn("pid %d: this kernel cannot seal memory: %#lx and others stay "
				 "open to change",
				 t->pid, (unsigned long)v->start);
		return;
	}
}

int mem_load(const struct restore *r, struct rtask *t, struct error *err)
{
	ProtobufCMessage *m = NULL;
	int rc = image_read_pooled(r->images, IMG_MM, t->pid, t->messages, &m, err);
	if (rc < 0)
		return rc;
	t->mm = (MmEntry *)m;
	if (t->mm->n_mm_saved_auxv > MAX_AUXV)
		return error_set(err, EBADMSG, "mm-%d.img: auxv of %zu words, at most %d expected",
				 t->pid, t->mm->n_mm_saved_auxv, MAX_AUXV);
	if (t->mm->has_future_lock && t->mm->future_lock != MCL_FUTURE &&
	    t->mm->future_lock != (MCL_FUTURE | MCL_ONFAULT))
		return error_set(err, EBADMSG, "mm-%d.img: future_lock: unknown flags in %#x",
				 t->pid, t->mm->future_lock);
	int loaded = load_vmas(r, t, err);
	warn_of_seals(t);
	return loaded < 0 ? loaded : aio_check(t, err);
}

int mem_resolve(struct restore *r, struct rtask *t, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < t->vmas.nr; i++)
		if (t->vmas.items[i].status & VMA_AREA_MEMFD)
			rc = shmem_resolve(r, &t->vmas.items[i], err);
	return rc < 0 ? rc : 0;
}
