/* SPDX-License-Identifier: MIT
 * Secrets in bytes.
 */
#include "convert/audit/secrets.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/audit/pairs.h"
#include "convert/memory/search.h"

/* Examples of documentation and test data: few different characters, or they say so. */
static bool check_VARIED(const char *secret, size_t len)
{
	bool seen[256] = { false };
	size_t different = 0;
	for (size_t i = 0; i < len; i++) {
		different += !seen[(unsigned char)secret[i]];
		seen[(unsigned char)secret[i]] = true;
	}
	return different >= (len < 32 ? len / 3 : 10) && !memmem(secret, len, "EXAMPLE", 7) &&
	       !memmem(secret, len, "example", 7) && !memmem(secret, len, "xxxxx", 5) &&
	       !memmem(secret, len, "XXXXX", 5);
}

/* Random, not words joined by underscores. */
static bool check_MIXED(const char *secret, size_t len)
{
	size_t digits = 0, upper = 0, lower = 0;
	for (size_t i = 0; i < len; i++) {
		digits += isdigit((unsigned char)secret[i]) != 0;
		upper += isupper((unsigned char)secret[i]) != 0;
		lower += islower((unsigned char)secret[i]) != 0;
	}
	return digits >= 2 && upper >= 2 && lower >= 2 && check_VARIED(secret, len);
}

static uint32_t crc32_of(const char *bytes, size_t len)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned char)bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* The last six of 36 characters after the prefix are the checksum of the 30 before, in base 62. */
static bool check_CRC62(const char *secret, size_t len)
{
	static const char digits[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	if (len < 36)
		return false;
	uint32_t crc = crc32_of(secret + len - 36, 30);
	for (size_t i = 1; i <= 6; i++, crc /= 62) {
		if (secret[len - i] != digits[crc % 62])
			return false;
	}
	return true;
}

/* Words that stand for a password in documentation and format strings. */
static bool check_PASSWORD(const char *secret, size_t len)
{
	static const char *const words[] = { "password", "passwd", "passwort", "pass", "pwd",
					     "secret",   "token",  "test",     "user", "username" };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (len == strlen(words[i]) && !strncasecmp(secret, words[i], len))
			return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (secret[i] != secret[0])
			return secret[0] != '%' && secret[0] != '$' &&
			       !memmem(secret, len, "xample", 6);
	}
	return false;
}

const struct secret_rule secret_rules[] = {
#define SECRET(id, severity, title, starts, regex, check)                                          \
	{ id, SEV_##severity, title, starts, regex, check_##check },
#define SECRET_NAME(word)
#include "convert/audit/secrets.def"
#undef SECRET
#undef SECRET_NAME
};
const size_t nr_secret_rules = ARRAY_SIZE(secret_rules);

struct start {
	const char *bytes; /* of the rule */
	size_t len, rule;
	unsigned pair; /* the first two bytes; rules that begin alike follow each other */
};

struct secret_finder {
	struct pair_set pairs; /* that begin a rule */
	struct {
		struct start *items; /* sorted by pair */
		size_t nr, cap;
	} starts;
	struct pattern *patterns[ARRAY_SIZE(secret_rules)]; /* NULL: not needed so far */
};

static unsigned pair_at(const unsigned char *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static int start_compare(const void *a_, const void *b_)
{
	const struct start *a = a_, *b = b_;
	if (a->pair != b->pair)
		return a->pair < b->pair ? -1 : 1;
	if (a->len != b->len) /* "sk-ant-" before "sk-" */
		return a->len > b->len ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static int starts_add(struct secret_finder *finder, size_t rule)
{
	for (const char *at = secret_rules[rule].starts; *at;) {
		size_t len = strcspn(at, "|");
		struct start *start = array_add(&finder->starts);
		if (!start)
			return -ENOMEM;
		*start = (struct start){ at, len, rule, pair_at((const unsigned char *)at) };
		at += len + (at[len] == '|');
	}
	return 0;
}

int secret_finder_new(struct secret_finder **out, struct error *err)
{
	auto_secret_finder finder = calloc(1, sizeof(*finder));
	int rc = finder ? 0 : -ENOMEM;
	for (size_t i = 0; rc == 0 && i < nr_secret_rules; i++)
		rc = starts_add(finder, i);
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	qsort(finder->starts.items, finder->starts.nr, sizeof(struct start), start_compare);
	for (size_t i = 0; i < finder->starts.nr; i++)
		pair_set_add(&finder->pairs, finder->starts.items[i].bytes);
	*out = take_ptr(finder);
	return 0;
}

void secret_finder_free(struct secret_finder *finder)
{
	if (!finder)
		return;
	for (size_t i = 0; i < nr_secret_rules; i++)
		pattern_free(finder->patterns[i]);
	free(finder->starts.items);
	free(finder);
}

static int pattern_need(struct secret_finder *finder, size_t rule, struct error *err)
{
	if (finder->patterns[rule])
		return 0;
	auto_strbuf anchored = { 0 };
	if (strbuf_printf(&anchored, "\\G(?:%s)", secret_rules[rule].regex) < 0)
		return error_set(err, ENOMEM, "out of memory");
	int rc = pattern_regex(anchored.data, false, &finder->patterns[rule], err);
	return rc < 0 ? error_wrap(err, rc, "rule %s", secret_rules[rule].id) : 0;
}

static size_t starts_find(const struct secret_finder *finder, unsigned pair)
{
	size_t low = array_lower_bound(finder->starts.nr, k, finder->starts.items[k].pair < pair);
	return low;
}

/* Rules whose first two bytes stand at `at`. @return 1, 0, -errno */
static int match_at(struct secret_finder *finder, const unsigned char *bytes, size_t len, size_t at,
		    struct secret_match *out, struct error *err)
{
	unsigned pair = pair_at(bytes + at);
	for (size_t i = starts_find(finder, pair); i < finder->starts.nr; i++) {
		const struct start *start = &finder->starts.items[i];
		if (start->pair != pair)
			return 0;
		if (len - at < start->len || memcmp(bytes + at, start->bytes, start->len) != 0)
			continue;
		int rc = pattern_need(finder, start->rule, err);
		if (rc == 0)
			rc = pattern_find(finder->patterns[start->rule], bytes, len, at,
					  &out->start, &out->len, err);
		if (rc < 0)
			return rc;
		out->rule = &secret_rules[start->rule];
		if (rc == 1 && out->rule->check((const char *)bytes + out->start, out->len))
			return 1;
	}
	return 0;
}

int secret_find(struct secret_finder *finder, const void *bytes, size_t len, size_t from, size_t to,
		struct secret_match *out, struct error *err)
{
	for (size_t at = from; (at = pair_set_next(&finder->pairs, bytes, len, at, to)) < to;
	     at++) {
		int rc = match_at(finder, bytes, len, at, out, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static bool ends_with(const char *name, size_t len, const char *word)
{
	size_t word_len = strlen(word);
	return len >= word_len && !strncasecmp(name + len - word_len, word, word_len) &&
	       (len == word_len || name[len - word_len - 1] == '_');
}

bool secret_name(const char *name, size_t len)
{
	static const char *const words[] = {
#define SECRET(...)
#define SECRET_NAME(word) word,
#include "convert/audit/secrets.def"
#undef SECRET
#undef SECRET_NAME
	};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (ends_with(name, len, words[i]))
			return true;
	}
	return false;
}
