/* SPDX-License-Identifier: MIT
 * Which bytes are text. Vectors are those of gcc and clang: whatever the processor has for them.
 */
#include "convert/memory/printable.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 16, FEW = 4 };

typedef unsigned char bytes16 __attribute__((vector_size(BLOCK)));
typedef uint64_t words2 __attribute__((vector_size(BLOCK)));

/* All bits of each byte that is printable. */
static inline bytes16 printable16(const unsigned char *at)
{
	bytes16 bytes;
	memcpy(&bytes, at, BLOCK);
	return (bytes16)(bytes - ' ' <= '~' - ' ') | (bytes16)(bytes == '\t');
}

static inline bool all_ones(bytes16 bytes)
{
	words2 words = (words2)bytes;
	return (words[0] & words[1]) == UINT64_MAX;
}

static inline bool all_zero(bytes16 bytes)
{
	words2 words = (words2)bytes;
	return (words[0] | words[1]) == 0;
}

size_t printable_run(const unsigned char *bytes, size_t len)
{
	size_t n = 0;
	while (n + BLOCK <= len && all_ones(printable16(bytes + n)))
		n += BLOCK;
	while (n < len && is_printable(bytes[n]))
		n++;
	return n;
}

/* No run of FEW begins at any of the next BLOCK bytes. */
static inline bool none_of_few(const unsigned char *at)
{
	return all_zero(printable16(at) & printable16(at + 1) & printable16(at + 2) &
			printable16(at + 3));
}

size_t printable_none(const unsigned char *bytes, size_t len, size_t min)
{
	/* a long run is looked for in jumps that are longer than a block */
	bool blocks = min >= FEW && min < 2 * BLOCK;
	size_t at = 0;
	while (at + min <= len) {
		if (blocks && at + BLOCK + FEW <= len && none_of_few(bytes + at)) {
			at += BLOCK;
			continue;
		}
		/* looking back from its end finds most bytes that end it without those before */
		size_t low = at + min;
		while (low >= at + BLOCK && all_ones(printable16(bytes + low - BLOCK)))
			low -= BLOCK;
		while (low > at && is_printable(bytes[low - 1]))
			low--;
		if (low == at)
			break;
		at = low;
	}
	return at;
}
