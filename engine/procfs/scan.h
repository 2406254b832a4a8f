/* SPDX-License-Identifier: MIT
 * A cursor over text of /proc: lines, words, numbers; never reads past its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan {
	const char *p, *end;
};

static inline struct scan scan_of(const char *buf, size_t len)
{
	return (struct scan){ buf, buf + len };
}

/** Cut the next line off (without its newline). @return false when nothing is left. */
bool scan_line(struct scan *s, struct scan *line);
/** Is this literal next? Then step over it. */
bool scan_literal(struct scan *s, const char *literal);
/** Step over blanks and tabs. */
void scan_blanks(struct scan *s);
/** Step over blanks, then over one word. @return false when there is none. */
bool scan_word(struct scan *s, struct scan *word);

/** Blanks, then a number; all of its digits are consumed. @return false: none, or too large. */
bool scan_u64(struct scan *s, int base, uint64_t *out);
bool scan_i64(struct scan *s, int64_t *out);
bool scan_u32(struct scan *s, int base, uint32_t *out);
bool scan_int(struct scan *s, int *out);
