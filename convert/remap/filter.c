/* SPDX-License-Identifier: MIT
 * Rules of packet filters as text: what iptables-save and nft list print, line by line. Addresses
 * are changed wherever they stand, numbers behind the words that say what they are.
 */
#include <ctype.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/remap/remapping.h"

/* Whose packets a chain sees. */
enum side {
	SIDE_IN = 1,  /* to the set's own end */
	SIDE_OUT = 2, /* from it */
	SIDE_BOTH = 3,
};

/* Numbers stand behind these. A destination is the set's own where packets come in. */
static const struct keyword {
	const char *word;
	enum remap_kind kind;
	enum side side;
} keywords[] = {
	{ "--dport", REMAP_PORT, SIDE_IN },         { "--dports", REMAP_PORT, SIDE_IN },
	{ "--sport", REMAP_PORT, SIDE_OUT },        { "--sports", REMAP_PORT, SIDE_OUT },
	{ "--ports", REMAP_PORT, SIDE_BOTH },       { "--to-ports", REMAP_PORT, SIDE_BOTH },
	{ "--ctorigdstport", REMAP_PORT, SIDE_IN }, { "dport", REMAP_PORT, SIDE_IN },
	{ "sport", REMAP_PORT, SIDE_OUT },          { "--uid-owner", REMAP_UID, SIDE_BOTH },
	{ "--gid-owner", REMAP_GID, SIDE_BOTH },    { "skuid", REMAP_UID, SIDE_BOTH },
	{ "skgid", REMAP_GID, SIDE_BOTH },
};

static const struct {
	const char *chain; /* of iptables, always under this name; nft says the same as its hook */
	const char *hook;
	enum side side;
} chains[] = {
	{ "INPUT", "input", SIDE_IN },
	{ "PREROUTING", "prerouting", SIDE_IN },
	{ "OUTPUT", "output", SIDE_OUT },
	{ "POSTROUTING", "postrouting", SIDE_OUT },
};

struct filter {
	struct remapping *r;
	enum side side; /* of the chain at hand */
	/* of the line at hand */
	const char *last; /* the word before */
	size_t last_len;
	const struct keyword *expect; /* numbers of its kind come */
	bool set, quoted;
};

static bool is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(text, word, len);
}

static void chain_begin(struct filter *f, const char *text, size_t len)
{
	if (is_word(f->last, f->last_len, "chain") || is_word(f->last, f->last_len, "-A"))
		f->side = SIDE_BOTH;
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		if ((is_word(f->last, f->last_len, "-A") && is_word(text, len, chains[i].chain)) ||
		    (is_word(f->last, f->last_len, "hook") && is_word(text, len, chains[i].hook)))
			f->side = chains[i].side;
	}
}

static const struct keyword *keyword_find(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		if (is_word(text, len, keywords[i].word))
			return &keywords[i];
	}
	return NULL;
}

/* After "dport": "80", "!= 80", "{ 80, 443 }". */
static int expected_word(struct filter *f, const char *text, size_t len, struct strbuf *out,
			 struct error *err)
{
	const struct keyword *keyword = f->expect;
	f->set |= memchr(text, '{', len) != NULL;
	if (memchr(text, '}', len))
		f->set = false;
	bool sign = !isdigit((unsigned char)*text) && *text != '{' && *text != '}';
	if (!f->set && !sign)
		f->expect = NULL;
	if (!(keyword->side & f->side))
		return strbuf_add(out, text, len) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
	return remap_numbers(f->r, keyword->kind, text, len, out, err);
}

/* @return 1 when the word changed */
static int word(struct filter *f, const char *text, size_t len, struct strbuf *out,
		struct error *err)
{
	bool quoted = f->quoted;
	for (size_t i = 0; i < len; i++)
		f->quoted ^= text[i] == '"';
	if (quoted || memchr(text, '"', len)) /* names and comments */
		return strbuf_add(out, text, len) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
	chain_begin(f, text, len);
	if (f->expect)
		return expected_word(f, text, len, out, err);
	f->expect = keyword_find(text, len);
	if (is_word(f->last, f->last_len, "to") && *text == ':') /* redirect to :80 */
		return remap_numbers(f->r, REMAP_PORT, text, len, out, err);
	return remap_addresses(f->r, text, len, out, err);
}

static int line(struct filter *f, const char *text, size_t len, struct strbuf *out,
		struct error *err)
{
	size_t start = out->len, blank = 0;
	int changed = 0, rc = 0;
	f->last = "";
	f->last_len = 0;
	f->expect = NULL;
	f->set = f->quoted = false;
	for (size_t at = 0; rc >= 0 && at < len;) {
		size_t n = 0;
		bool space = isspace((unsigned char)text[at]);
		while (at + n < len && !isspace((unsigned char)text[at + n]) == !space)
			n++;
		if (space) {
			rc = strbuf_add(out, text + at, n) < 0
				 ? error_set(err, ENOMEM, "out of memory")
				 : 0;
			blank += at ? 0 : n;
		} else {
			rc = word(f, text + at, n, out, err);
			changed |= rc > 0;
			f->last = text + at;
			f->last_len = n;
		}
		at += n;
	}
	if (rc < 0 || !changed)
		return rc < 0 ? rc : 0;
	auto_free char *from = strndup(text + blank, len - blank);
	return from ? remapping_note(f->r, "line", from, out->data + start + blank, err)
		    : error_set(err, ENOMEM, "out of memory");
}

int remap_filter(struct remapping *r, const char *text, size_t len, struct strbuf *out,
		 struct error *err)
{
	struct filter f = { .r = r, .side = SIDE_BOTH };
	int rc = 0;
	r->has_entry = true;
	r->entry = 1;
	for (size_t at = 0; rc == 0 && at < len; r->entry++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;
		rc = line(&f, text + at, n, out, err);
		if (rc == 0 && end && strbuf_char(out, '\n') < 0)
			rc = error_set(err, ENOMEM, "out of memory");
		at += n + (end != NULL);
	}
	return rc;
}
