/* SPDX-License-Identifier: MIT
 * Values in text: addresses wherever they stand, numbers in lists.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "convert/remap/remapping.h"

static bool in_address(char c)
{
	return isxdigit((unsigned char)c) || c == '.' || c == ':';
}

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '%';
}

/* The digits at the start. @return how many; 0: none, or no number that fits */
static size_t number_at(const char *text, size_t len, uint32_t *out)
{
	size_t n = 0;
	uint64_t value = 0;
	while (n < len && n < 11 && isdigit((unsigned char)text[n]))
		value = value * 10 + (uint64_t)(text[n++] - '0');
	*out = (uint32_t)value;
	return value <= UINT32_MAX && n < 11 ? n : 0;
}

/* An address in text. */
struct word {
	struct ip ip;
	size_t ip_len;   /* characters of it */
	size_t port_len; /* of ":80" behind it */
	uint32_t port;
	unsigned bits; /* of a network: by the /24 behind it */
};

/* "10.0.0.1:80" looks like one run of characters that addresses are made of. */
static bool word_parse(const char *text, size_t run, size_t len, struct word *out)
{
	const char *colon = memchr(text, ':', run);
	*out = (struct word){ .bits = IP_BITS };
	out->ip_len = run;
	/* a sentence may end behind it */
	while (out->ip_len && (text[out->ip_len - 1] == '.' || (colon == text + out->ip_len - 1)))
		out->ip_len--;
	if (!ip_parse(text, out->ip_len, &out->ip)) {
		out->ip_len = colon ? (size_t)(colon - text) : 0;
		if (!colon || !memchr(text, '.', out->ip_len) ||
		    !ip_parse(text, out->ip_len, &out->ip))
			return false;
		size_t digits = number_at(colon + 1, run - out->ip_len - 1, &out->port);
		out->port_len = digits ? digits + 1 : 0;
	}
	uint32_t prefix;
	size_t at = out->ip_len;
	if (at + 1 < len && text[at] == '/' && number_at(text + at + 1, len - at - 1, &prefix)) {
		unsigned base = memchr(text, '.', at) ? IP_BITS - 32 : 0;
		if (prefix <= IP_BITS - base && !ip_has_host_bits(&out->ip, base + prefix))
			out->bits = base + prefix;
	}
	return true;
}

/* "[fd00::1]:80" */
static void word_bracket_port(const char *text, size_t len, struct word *word)
{
	size_t at = word->ip_len;
	if (at + 2 >= len || text[at] != ']' || text[at + 1] != ':')
		return;
	size_t digits = number_at(text + at + 2, len - at - 2, &word->port);
	word->port_len = digits ? digits + 2 : 0;
}

/* @return 1 when something else was added than was there */
static int word_add(struct remapping *r, const char *text, const struct word *word,
		    struct strbuf *out)
{
	char new_text[64];
	struct remap_rule *rule = rule_for_ip(r->rules, &word->ip, word->bits);
	struct ip new = rule ? rule_new_ip(rule, &word->ip) : word->ip;
	bool changed = !ip_equal(&new, &word->ip, IP_BITS);
	if (rule)
		rule->found++;
	bool mapped = ip_is_v4(&new) && memchr(text, ':', word->ip_len);
	int rc = changed
		     ? strbuf_printf(out, "%s%s", mapped ? "::ffff:" : "", ip_text(&new, new_text))
		     : strbuf_add(out, text, word->ip_len);
	if (rc < 0 || !word->port_len)
		return rc < 0 ? rc : changed;
	rule = rule_for_number(r->rules, REMAP_PORT, word->port);
	if (!rule || !facts_own_end(&r->facts, &word->ip, word->port)) {
		rc = strbuf_add(out, text + word->ip_len, word->port_len);
		return rc < 0 ? rc : changed;
	}
	rule->found++;
	rc = strbuf_printf(out, "%s:%" PRIu32, text[word->ip_len] == ']' ? "]" : "", rule->to);
	return rc < 0 ? rc : changed || rule->to != rule->from;
}

int remap_addresses(struct remapping *r, const char *text, size_t len, struct strbuf *out,
		    struct error *err)
{
	int changed = 0, rc = 0;
	for (size_t at = 0; rc >= 0 && at < len;) {
		size_t run = 0;
		struct word word;
		while (at + run < len && in_address(text[at + run]))
			run++;
		bool apart = (!at || !in_name(text[at - 1])) &&
			     (at + run == len || !in_name(text[at + run]));
		if (run < 2 || !apart || !word_parse(text + at, run, len - at, &word)) {
			run += !run;
			rc = strbuf_add(out, text + at, run);
			at += run;
			continue;
		}
		if (!word.port_len && at && text[at - 1] == '[')
			word_bracket_port(text + at, len - at, &word);
		rc = word_add(r, text + at, &word, out);
		changed |= rc > 0;
		at += word.ip_len + word.port_len;
	}
	return rc < 0 ? error_set(err, ENOMEM, "out of memory") : changed;
}

int remap_numbers(struct remapping *r, enum remap_kind kind, const char *text, size_t len,
		  struct strbuf *out, struct error *err)
{
	int changed = 0, rc = 0;
	for (size_t at = 0; rc >= 0 && at < len;) {
		uint32_t value;
		size_t n = number_at(text + at, len - at, &value);
		char before = at ? text[at - 1] : ',', behind = at + n < len ? text[at + n] : ',';
		bool range = before == '-' || behind == '-' || behind == ':' ||
			     (before == ':' && at > 1); /* ":80" alone is a port */
		bool apart = n && !range && !in_name(before) && !in_name(behind);
		struct remap_rule *rule = apart ? rule_for_number(r->rules, kind, value) : NULL;
		if (rule) {
			rule->found++;
			changed |= rule->to != value;
			rc = strbuf_printf(out, "%" PRIu32, rule->to);
		} else {
			n += !n;
			rc = strbuf_add(out, text + at, n);
		}
		at += n;
	}
	return rc < 0 ? error_set(err, ENOMEM, "out of memory") : changed;
}
