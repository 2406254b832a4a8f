/* SPDX-License-Identifier: MIT
 * Unused bytes a task can execute. /proc/PID/mem may write them although the mapping may not be
 * written: the page becomes a private copy (FOLL_FORCE), the file stays as it is.
 */
#include "engine/trace/padding.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/page.h"
#include "engine/trace/leftover.h"

#define ALIGN    16u
#define HEAD_MAX PAGE              /* program headers further away are no program we know */
#define MARK     "STASIS injected" /* how the code of a killed engine starts */

/* Behind its bytes in the file lie those of the file's next part, or nothing; behind what is longer
 * in memory lie zeros that it uses. */
static bool ends_in_file(const Elf64_Phdr *ph, uint64_t *end)
{
	return ph->p_type == PT_LOAD && (ph->p_flags & PF_X) && ph->p_memsz <= ph->p_filesz &&
	       !__builtin_add_overflow(ph->p_offset, ph->p_filesz, end);
}

/* The zeros in the last section header are part of it. */
static uint64_t sections_end(const Elf64_Ehdr *eh)
{
	uint64_t end;
	bool far =
	    __builtin_add_overflow(eh->e_shoff, (uint64_t)eh->e_shnum * eh->e_shentsize, &end);
	return far ? 0 : end;
}

/* Where in the mapping's last page its code ends, by the program headers of its file, and section
 * headers, if they lie there, too. @return 0: not known */
static uint64_t segment_end(const char *head, size_t len, uint64_t pgoff, uint64_t map_len)
{
	Elf64_Ehdr eh;
	if (len < sizeof(eh))
		return 0;
	memcpy(&eh, head, sizeof(eh));
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_phentsize != sizeof(Elf64_Phdr))
		return 0;
	for (size_t i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;
		uint64_t at = eh.e_phoff + i * sizeof(ph), end;
		if (at > len || len - at < sizeof(ph))
			return 0;
		memcpy(&ph, head + at, sizeof(ph));
		if (!ends_in_file(&ph, &end) || end <= pgoff || end - pgoff >= map_len ||
		    map_len - (end - pgoff) >= PAGE)
			continue;
		uint64_t sections = sections_end(&eh);
		bool within = sections > end && sections - pgoff <= map_len;
		return (within ? sections : end) - pgoff;
	}
	return 0;
}

struct obstacle {
	bool held;   /* a killed dump is not out of it yet */
	bool denied; /* what it maps may not be looked at */
};

static ssize_t read_head(const struct task *t, const struct vma *v, char *buf)
{
	if (v->status & VMA_AREA_VDSO)
		return fd_pread_full(t->mem_fd, buf, HEAD_MAX, (off_t)v->start);
	char path[64];
	snprintf(path, sizeof(path), "map_files/%lx-%lx", v->start, v->end);
	auto_fd fd = openat(t->proc_fd, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd_pread_full(fd, buf, HEAD_MAX, 0);
}

/*
 * What of these bytes, up to their end, is zero: in front of it, what else the file has may be
 * mapped with the code. Or what a killed engine left, while no thread is in it any more:
 * `in_way->held` is set where one is that stands still: it has only begun, and makes more that is
 * to go before another dump. @return false: none
 */
static bool find_unused(const struct task *t, struct padding *p, struct obstacle *in_way)
{
	char buf[PAGE];
	size_t at = 0, used = p->len;
	if (p->len > sizeof(buf) ||
	    fd_pread_full(t->mem_fd, buf, p->len, (off_t)p->addr) != (ssize_t)p->len)
		return false;
	while (at + sizeof(MARK) <= p->len && memcmp(buf + at, MARK, sizeof(MARK)) != 0)
		at += ALIGN;
	while (used > 0 && !buf[used - 1])
		used--;
	bool left = at + sizeof(MARK) <= p->len;
	if (!left)
		at = (used + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	p->addr += at;
	p->len -= at;
	if (!left)
		return p->len > 0;
	if (leftover_in_use(t, p)) {
		in_way->held |= t->state == TASK_STOPPED;
		return false;
	}
	log_debug("task %d: reusing the unused bytes a killed dump left filled", t->pid);
	return true;
}

static bool padding_of(const struct task *t, const struct vma *v, struct padding *out,
		       struct obstacle *in_way)
{
	if (!(v->prot & PROT_EXEC) || (v->flags & MAP_SHARED) || v->start == v->end)
		return false;
	char head[HEAD_MAX];
	ssize_t len = read_head(t, v, head);
	in_way->denied |= len == -EPERM || len == -EACCES;
	uint64_t used = len < 0 ? 0 : segment_end(head, (size_t)len, v->pgoff, v->end - v->start);
	if (!used)
		return false;
	uint64_t addr = (v->start + used + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
	*out = (struct padding){ addr, v->end - addr };
	return addr < v->end && find_unused(t, out, in_way);
}

/* Keep the longest seen; @return whether it is long enough. */
static bool keep_longest(const struct task *t, const struct vma *v, size_t want, size_t enough,
			 struct padding *best, struct obstacle *in_way)
{
	struct padding p;
	if (padding_of(t, v, &p, in_way) && p.len >= want && p.len > best->len)
		*best = p;
	return best->len >= enough;
}

int padding_find(const struct task *t, size_t want, size_t enough, struct padding *out,
		 struct error *err)
{
	static const uint32_t order[] = { VMA_AREA_VDSO, VMA_FILE_PRIVATE };
	struct padding best = { 0 };
	struct obstacle in_way = { .held = leftover_parasite(t) };
	for (size_t k = 0; !in_way.held && k < ARRAY_SIZE(order); k++) {
		for (size_t i = 0; i < t->vmas.nr && best.len < enough; i++) {
			const struct vma *v = &t->vmas.items[i];
			if ((v->status & order[k]) &&
			    keep_longest(t, v, want, enough, &best, &in_way))
				break;
		}
	}
	if (in_way.held)
		return error_set(err, EBUSY,
				 "a killed dump is still on its way out: try again "
				 "(a stopped task must be continued first)");
	if (best.len) {
		*out = best;
		return 0;
	}
	if (in_way.denied)
		return error_set(err, EPERM,
				 "the files it maps may not be looked at (/proc/%d/map_files): run "
				 "this as root, or with CAP_CHECKPOINT_RESTORE",
				 t->pid);
	return error_set(err, ENOTSUP,
			 "no %zu unused bytes behind any code it maps: nowhere to put code that "
			 "asks it from inside; link it with a library, or keep the vdso mapped",
			 want);
}

int padding_clear(const struct task *t, const struct padding *p, struct error *err)
{
	static const char zero[PAGE];
	size_t len = p->len < sizeof(zero) ? p->len : sizeof(zero);
	ssize_t n = pwrite(t->mem_fd, zero, len, (off_t)p->addr);
	if (n != (ssize_t)len)
		return error_code(err, n < 0 ? errno : EIO, "clear unused code bytes");
	return 0;
}
