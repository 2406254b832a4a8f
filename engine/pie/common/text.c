/* SPDX-License-Identifier: MIT
 * Numbers and strings into a fixed buffer.
 */
#include "engine/pie/text.h"

static void text_char(struct text *t, char c)
{
	if (t->at < t->end)
		*t->at++ = c;
	*t->at = '\0';
}

static void text_digits(struct text *t, uint64_t n, unsigned base)
{
	char digits[24];
	int len = 0;
	do {
		unsigned d = (unsigned)(n % base);
		digits[len++] = (char)(d < 10 ? '0' + d : 'a' + d - 10);
		n /= base;
	} while (n);
	while (len)
		text_char(t, digits[--len]);
}

void text_str(struct text *t, const char *s)
{
	while (*s)
		text_char(t, *s++);
}

void text_dec(struct text *t, int64_t n)
{
	if (n < 0)
		text_char(t, '-');
	text_digits(t, n < 0 ? -(uint64_t)n : (uint64_t)n, 10);
}

void text_hex(struct text *t, uint64_t n)
{
	text_str(t, "0x");
	text_digits(t, n, 16);
}
