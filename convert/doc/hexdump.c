/* SPDX-License-Identifier: MIT
 * Lines of bytes.
 */
#include "convert/doc/hexdump.h"

#include <inttypes.h>
#include <string.h>

static void print_line(FILE *to, uint64_t addr, const unsigned char *bytes, size_t len)
{
	fprintf(to, "%016" PRIx64 " ", addr);
	for (size_t i = 0; i < HEXDUMP_LINE; i++) {
		fputs(i == HEXDUMP_LINE / 2 ? "  " : " ", to);
		if (i < len)
			fprintf(to, "%02x", bytes[i]);
		else
			fputs("  ", to);
	}
	fputs("  |", to);
	for (size_t i = 0; i < len; i++)
		fputc(bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.', to);
	fputs("|\n", to);
}

void hexdump_bytes(struct hexdump *h, uint64_t addr, const unsigned char *bytes, size_t len)
{
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
