/* SPDX-License-Identifier: MIT
 * Which bytes are text, sixteen at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** ASCII without control characters, and the tab. */
static inline bool is_printable(unsigned char c)
{
	return (c >= ' ' && c <= '~') || c == '\t';
}

/** How many bytes at the start are printable. */
size_t printable_run(const unsigned char *bytes, size_t len);

/**
 * How many bytes can be passed over because no run of `min` printable ones begins there. Runs that
 * would pass the end count as long enough.
 */
size_t printable_none(const unsigned char *bytes, size_t len, size_t min);
