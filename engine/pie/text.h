/* SPDX-License-Identifier: MIT
 * A sentence put together without a libc.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text {
	char *at, *end; /* one byte before `end` is kept for the NUL */
};

static inline struct text text_in(char *buf, size_t size)
{
	return (struct text){ .at = buf, .end = buf + size - 1 };
}

/** Append; what does not fit is cut. The text is NUL-terminated after each. */
void text_str(struct text *t, const char *s);
void text_dec(struct text *t, int64_t n);
void text_hex(struct text *t, uint64_t n);
