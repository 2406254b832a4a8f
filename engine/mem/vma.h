/* SPDX-License-Identifier: MIT
 * One mapping of an address space, and the sorted list of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* vma_entry.status bits, as in the image. */
#define VMA_AREA_REGULAR  0x1u
#define VMA_AREA_STACK    0x2u
#define VMA_AREA_VSYSCALL 0x4u
#define VMA_AREA_VDSO     0x8u
#define VMA_AREA_HEAP     0x20u
#define VMA_FILE_PRIVATE  0x40u
#define VMA_FILE_SHARED   0x80u
#define VMA_ANON_SHARED   0x100u
#define VMA_ANON_PRIVATE  0x200u
#define VMA_AREA_SYSVIPC  0x400u
#define VMA_AREA_SOCKET   0x800u
#define VMA_AREA_VVAR     0x1000u
#define VMA_AREA_AIORING  0x2000u
#define VMA_AREA_MEMFD    0x4000u
#define VMA_AREA_SHSTK    0x8000u
#define VMA_AREA_GUARD    0x10000u /* guard region inside a VMA, marked by pagemap */
#define VMA_AREA_UPROBES  0x20000u
#define VMA_CLOSE         0x10000000u /* ours, never written: fd is closed after mapping */
#define VMA_LOCK_ONFAULT  0x20000000u /* ours, never written: locked as pages come */

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
	char *path; /* as /proc/PID/maps prints it, owned; NULL for anonymous */
	bool locked, wipe_on_fork, dont_fork; /* from VmFlags */
	/* restore only */
	uint64_t premapped; /* where its pages wait until the restorer moves them; 0: nowhere */
	int fd;
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

struct vma *vma_list_find(const struct vma_list *list, uint64_t addr); /* NULL: none covers it */
void vma_list_fini(struct vma_list *list);
