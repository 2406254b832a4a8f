/* SPDX-License-Identifier: MIT
 * The kernel's code in user space: the vdso of an image on this kernel.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/context/restore.h"
#include "images/page-store.h"

struct restorer_args;

/* Functions user code calls; 0 where a vdso has none. Offsets from its first byte. */
enum vdso_call {
	VDSO_CLOCK_GETTIME,
	VDSO_CLOCK_GETRES,
	VDSO_GETTIMEOFDAY,
	VDSO_TIME,
	VDSO_GETCPU,
	VDSO_GETRANDOM,
	VDSO_NR_CALLS
};
struct vdso_symbols {
	uint64_t offset[VDSO_NR_CALLS];
};

/** Find the functions in the bytes of a vdso. @return 0; -EBADMSG when it is none. */
int vdso_parse(const void *bytes, size_t len, struct vdso_symbols *out, struct error *err);

/**
 * Make every function of an old vdso jump to the one of this kernel, or make the system call
 * where this kernel's has none.
 * @param addr      where the old one will be; @param now_addr  where this kernel's will be
 */
void vdso_patch(uint8_t *bytes, size_t len, uint64_t addr, const struct vdso_symbols *old,
		const struct vdso_symbols *now, uint64_t now_addr);

/** Before any task is born: r->kernel_maps, at the same place in every task; free() them. */
int vdso_find(struct restore *r, struct error *err);

/**
 * In the task: compare the image's vdso with this process' own. The same: nothing changes. Else
 * it becomes ordinary code (VMA_OLD_VDSO), its data an empty page range.
 * @param ps  pages of the task, or NULL
 */
void vdso_choose(const struct restore *r, struct rtask *t, struct page_store *ps);

/**
 * In the task, after mem_premap(): args->moves; patches an old vdso where it waits. For a late
 * child in its parent: what that has, in its place.
 */
int vdso_plan(struct restore *r, struct rtask *t, struct restorer_args *args, struct error *err);
