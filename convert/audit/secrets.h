/* SPDX-License-Identifier: MIT
 * Secrets in bytes: one pass looks for the first two bytes of all rules at once, what is left is
 * matched by regular expressions (PCRE2, loaded for the first of them).
 */
#pragma once

#include "convert/audit/finding.h"

struct secret_rule {
	const char *id;
	enum severity severity;
	const char *title, *starts, *regex;
	/** Is a match that looks right one? NULL: yes. */
	bool (*check)(const char *secret, size_t len);
};
extern const struct secret_rule secret_rules[];
extern const size_t nr_secret_rules;

/* The longest match: windows overlap by so much. */
#define SECRET_MAX (32 * 1024)

struct secret_finder;

int secret_finder_new(struct secret_finder **out, struct error *err);
void secret_finder_free(struct secret_finder *finder);

struct secret_match {
	const struct secret_rule *rule;
	size_t start, len;
};
/**
 * The next secret whose match begins in [from, to); bytes around it are looked at as well.
 * @return 1; 0; -ENOTSUP without libpcre2-8; -errno
 */
int secret_find(struct secret_finder *finder, const void *bytes, size_t len, size_t from, size_t to,
		struct secret_match *out, struct error *err);

/** Does the name of an environment variable say that its value is a secret? "FILE" at its end: no.
 */
bool secret_name(const char *name, size_t len);

static inline void secret_finder_cleanup_(struct secret_finder **finder)
{
	secret_finder_free(*finder);
}
#define auto_secret_finder __attribute__((cleanup(secret_finder_cleanup_))) struct secret_finder *
