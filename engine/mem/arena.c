/* SPDX-License-Identifier: MIT
 * The arena: found between what is mapped now and what will be, handed out from its start.
 */
#include "engine/mem/arena.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/page.h"
#include "engine/mem/own.h"

#define MARGIN  (UINT64_C(1) << 20) /* stacks that grow keep their guard gap */
#define LOWEST  (UINT64_C(1) << 32)
#define HIGHEST ((UINT64_C(1) << 47) - PAGE)

struct arena {
	uint64_t start, end, next;
};

int arena_new(const struct range_list *busy, struct range_list *own, size_t size, bool shared,
	      struct arena **out, struct error *err)
{
	uint64_t at = 0;
	size = (size + PAGE - 1) & ~(size_t)(PAGE - 1);
	struct arena *a = malloc(sizeof(*a));
	if (!a)
		return error_set(err, ENOMEM, "out of memory");
	const struct own_gap gap = { .from = LOWEST,
				     .limit = HIGHEST,
				     .size = size,
				     .align = MARGIN,
				     .prot = PROT_READ | PROT_WRITE | PROT_EXEC,
				     .shared = shared };
	int rc = own_reserve(busy, own, &gap, &at, err);
	if (rc < 0) {
		free(a);
		return rc;
	}
	*a = (struct arena){ .start = at, .end = at + size, .next = at };
	*out = a;
	return 0;
}

void *arena_alloc(struct arena *a, size_t size, size_t align)
{
	uint64_t at = (a->next + align - 1) & ~(uint64_t)(align - 1);
	if (at > a->end || size > a->end - at)
		return NULL;
	a->next = at + size;
	return (void *)(uintptr_t)at;
}

uint64_t arena_start(const struct arena *a)
{
	return a->start;
}

uint64_t arena_end(const struct arena *a)
{
	return a->end;
}
