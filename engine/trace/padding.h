/* SPDX-License-Identifier: MIT
 * Unused bytes a task can execute: what an ELF segment leaves of its last page.
 */
#pragma once

#include "engine/context/task.h"

struct padding {
	uint64_t addr; /* 16-byte aligned */
	size_t len;
};

/**
 * Find at least `want` bytes that no code or data of the task uses: zeros at the end of the last
 * page of the vdso's code, or that of any mapped program or library. The first place with `enough`,
 * else the longest.
 * @param t  stopped, t->vmas filled; @return 0; -ENOTSUP when there are none
 */
int padding_find(const struct task *t, size_t want, size_t enough, struct padding *out,
		 struct error *err);

/** Make the bytes zero again. */
int padding_clear(const struct task *t, const struct padding *p, struct error *err);
