/* SPDX-License-Identifier: MIT
 * Memory a task fills for its restorer, already at the address it keeps while the address space
 * is swapped: free in this process and in the one to be restored.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/context/vma.h"

struct arena;

/**
 * Reserve `size` bytes (committed when touched). @param busy, own  see own_reserve()
 * @param shared  with the children of this process; else it is its own
 */
int arena_new(const struct range_list *busy, struct range_list *own, size_t size, bool shared,
	      struct arena **out, struct error *err);
/** Zeroed, aligned; NULL when it is full. */
void *arena_alloc(struct arena *a, size_t size, size_t align);
uint64_t arena_start(const struct arena *a);
uint64_t arena_end(const struct arena *a);
