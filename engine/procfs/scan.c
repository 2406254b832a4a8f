/* SPDX-License-Identifier: MIT
 * A cursor over text of /proc.
 */
#include "engine/procfs/scan.h"

#include <limits.h>
#include <string.h>

bool scan_line(struct scan *s, struct scan *line)
{
	if (s->p == s->end)
		return false;
	const char *nl = memchr(s->p, '\n', (size_t)(s->end - s->p));
	*line = (struct scan){ s->p, nl ? nl : s->end };
	s->p = nl ? nl + 1 : s->end;
	return true;
}

bool scan_literal(struct scan *s, const char *literal)
{
	size_t len = strlen(literal);
	if ((size_t)(s->end - s->p) < len || memcmp(s->p, literal, len) != 0)
		return false;
	s->p += len;
	return true;
}

void scan_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
}

bool scan_word(struct scan *s, struct scan *word)
{
	scan_blanks(s);
	const char *start = s->p;
	while (s->p < s->end && *s->p != ' ' && *s->p != '\t' && *s->p != '\n')
		s->p++;
	*word = (struct scan){ start, s->p };
	return s->p > start;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return INT_MAX;
}

bool scan_u64(struct scan *s, int base, uint64_t *out)
{
	scan_blanks(s);
	const char *start = s->p;
	uint64_t v = 0;
	for (; s->p < s->end && digit_of(*s->p) < base; s->p++) {
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)digit_of(*s->p), &v))
			return false;
	}
	*out = v;
	return s->p > start;
}

bool scan_i64(struct scan *s, int64_t *out)
{
	scan_blanks(s);
	bool minus = scan_literal(s, "-");
	uint64_t v;
	if (minus && s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		return false;
	if (!scan_u64(s, 10, &v) || v > (uint64_t)INT64_MAX + (minus ? 1 : 0))
		return false;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool scan_u32(struct scan *s, int base, uint32_t *out)
{
	uint64_t v;
	if (!scan_u64(s, base, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

bool scan_int(struct scan *s, int *out)
{
	int64_t v;
	if (!scan_i64(s, &v) || v < INT_MIN || v > INT_MAX)
		return false;
	*out = (int)v;
	return true;
}
