/* SPDX-License-Identifier: MIT
 * The parts of the extended state that the image has fields for, and where this CPU keeps them
 * in the standard (not compacted) XSAVE format.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "core-x86.pb-c.h"
#include "engine/arch/arch.h"

#define XSAVE_LEGACY_SIZE 512u /* FXSAVE image */
#define XSAVE_HEADER_SIZE 64u
#define XSAVE_FP_SSE      0x3u /* components 0 and 1, in the legacy part */

/* One array of user_x86_xsave_entry. */
struct xsave_part {
	unsigned bit;       /* component number, as in XCR0 */
	const char *name;   /* for messages */
	size_t elem_size;   /* of the array in the message */
	size_t nr_elems;    /* as many as the component has bytes for */
	size_t count_field; /* offset of n_… in UserX86XsaveEntry */
	size_t array_field; /* offset of the array pointer */
};

#define XSAVE_NR_PARTS ARRAY_SIZE(((struct arch_cpu *)0)->xsave_offset)
extern const struct xsave_part xsave_parts[XSAVE_NR_PARTS]; /* ascending by bit */

static inline size_t xsave_part_size(const struct xsave_part *p)
{
	return p->elem_size * p->nr_elems;
}
static inline size_t *xsave_part_count(UserX86XsaveEntry *e, const struct xsave_part *p)
{
	return (size_t *)((char *)e + p->count_field);
}
static inline void **xsave_part_array(UserX86XsaveEntry *e, const struct xsave_part *p)
{
	return (void **)((char *)e + p->array_field);
}
