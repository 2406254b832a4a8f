/* SPDX-License-Identifier: MIT
 * Lines of bytes.
 */
#include "convert/doc/hexdump.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

/* By hand: printf(3) makes all the difference where gigabytes are printed. */
static void print_line(FILE *to, uint64_t addr, const unsigned char *bytes, size_t len)
{
	char line[16 + 1 + 3 * HEXDUMP_LINE + 1 + 3 + HEXDUMP_LINE + 2], *at = line;
	for (int shift = 60; shift >= 0; shift -= 4)
		*at++ = digits[addr >> shift & 15];
	*at++ = ' ';
	for (size_t i = 0; i < HEXDUMP_LINE; i++) {
		if (i == HEXDUMP_LINE / 2)
			*at++ = ' ';
		*at++ = ' ';
		*at++ = i < len ? digits[bytes[i] >> 4] : ' ';
		*at++ = i < len ? digits[bytes[i] & 15] : ' ';
	}
	at = mempcpy(at, "  |", 3);
	for (size_t i = 0; i < len; i++)
		*at++ = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '.';
	at = mempcpy(at, "|\n", 2);
	fwrite(line, 1, (size_t)(at - line), to);
}

void hexdump_bytes(struct hexdump *h, uint64_t addr, const unsigned char *bytes, size_t len)
{
	progress_add(h->progress, len);
	for (size_t i = 0; i < len; i += HEXDUMP_LINE) {
		size_t n = len - i < HEXDUMP_LINE ? len - i : HEXDUMP_LINE;
		if (n == HEXDUMP_LINE && h->have_last &&
		    !memcmp(h->last, bytes + i, HEXDUMP_LINE)) {
			if (!h->starred)
				fputs("*\n", h->to);
			h->starred = true;
			continue;
		}
		print_line(h->to, addr + i, bytes + i, n);
		memcpy(h->last, bytes + i, n);
		h->have_last = n == HEXDUMP_LINE;
		h->starred = false;
	}
}
