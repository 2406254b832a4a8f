/* SPDX-License-Identifier: MIT
 * One mapping of an address space, and the sorted list of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/pie/vma-status.h"
#include "images/vma-status.h"
#include "memory.pb-c.h"

/* What VmFlags of smaps says beyond MAP_* and MADV_*. */
enum vm_flag_mark {
	VM_FLAG_MAYWRITE = 1 << 0,
	VM_FLAG_IO = 1 << 1,
	VM_FLAG_PFNMAP = 1 << 2,
	VM_FLAG_SHADOW_STACK = 1 << 3,
	VM_FLAG_SEALED = 1 << 4,
	VM_FLAG_USERFAULT = 1 << 5,
	VM_FLAG_COMMON = 1 << 6, /* some of its pages are mapped by others, too */
};

struct vma {
	uint64_t start, end;
	uint64_t pgoff; /* bytes into the file or shared segment */
	uint64_t shmid; /* file id or shared segment id, as vma_entry.shmid */
	uint32_t prot, flags, status;
	uint64_t madv;    /* bit per MADV_* value */
	uint32_t fdflags; /* how the mapped file was open */
	bool has_fdflags;
	/* dump only */
	dev_t dev;
	ino_t ino;
	char *path;         /* as /proc/PID/maps prints it, owned; NULL for anonymous */
	uint32_t vm_flags;  /* VM_FLAG_* */
	uint64_t page_size; /* bytes, the kernel's for this mapping */
	uint32_t policy;    /* task.policies, from 1; 0: none of its own */
	/* restore only */
	uint64_t
	    premapped; /* where it is made: mostly at start, else the restorer moves it; 0: not */
	int fd;
	const NumaPolicyEntry *numa; /* of rtask.mm; NULL: none of its own */
};

/* Part of one mapping or of several. */
struct range {
	uint64_t start, end;
};
struct range_list {
	struct range *items;
	size_t nr, cap;
};

struct vma_list {
	struct vma *items; /* sorted by start, never overlapping */
	size_t nr, cap;
	struct range_list guards; /* guard regions (MADV_GUARD_INSTALL) inside the items */
};

static inline uint64_t vma_len(const struct vma *v)
{
	return v->end - v->start;
}

/** Does it hold pages of its own, that pagemap-PID.img carries? */
bool vma_is_private(const struct vma *v);
/** Private anonymous or private file; "private file mapping" … for messages. */
const char *vma_kind(const struct vma *v);

struct vma *vma_list_find(const struct vma_list *list, uint64_t addr); /* NULL: none covers it */
void vma_list_fini(struct vma_list *list);

/** Sort and join what touches or overlaps. */
void range_list_join(struct range_list *list);
/**
 * The lowest page aligned address from `from` on where `size` bytes touch neither list (joined;
 * `b` may be NULL). @return 0 when there is none below `limit`.
 */
uint64_t range_list_gap(const struct range_list *a, const struct range_list *b, uint64_t from,
			uint64_t limit, uint64_t size);
