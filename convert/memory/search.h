/* SPDX-License-Identifier: MIT
 * Patterns looked for in memory: plain bytes, or a Perl-compatible regular expression (PCRE2,
 * loaded when first needed).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct pattern;

/** The longest match of a regular expression; longer ones are cut there. */
#define PATTERN_MATCH_MAX (64 * 1024)

int pattern_text(const char *text, bool ignore_case, struct pattern **out, struct error *err);
/** Pairs of hexadecimal digits, blanks between them allowed: "de ad be ef". */
int pattern_hex(const char *hex, struct pattern **out, struct error *err);
/** Bytes, not UTF-8; `.` matches any byte but newline. -ENOTSUP without libpcre2-8. */
int pattern_regex(const char *regex, bool ignore_case, struct pattern **out, struct error *err);
void pattern_free(struct pattern *p);

/** How much windows have to overlap so that no match is missed. */
size_t pattern_overlap(const struct pattern *p);
/**
 * The first match that begins at `from` or later.
 * @return 1 with *start and *len set; 0; -errno
 */
int pattern_find(struct pattern *p, const void *bytes, size_t size, size_t from, size_t *start,
		 size_t *len, struct error *err);

static inline void pattern_cleanup_(struct pattern **p)
{
	pattern_free(*p);
}
#define auto_pattern __attribute__((cleanup(pattern_cleanup_))) struct pattern *
