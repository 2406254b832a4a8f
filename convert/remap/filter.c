/* SPDX-License-Identifier: MIT
 * Rules of packet filters as text: what iptables-save and nft list print, line by line. Addresses
 * are changed wherever they stand, numbers behind the words that say what they are.
 */
#include <ctype.h>
#include <stdlib.h>
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

struct name {
	const char *text;
	size_t len;
};

struct filter {
	struct remapping *r;
	struct {
		struct name *items;
		size_t nr, cap;
	} sets;         /* whose ports are the set's own, sorted */
	enum side side; /* of the chain at hand */
	/* of the set with a name at hand */
	struct name name; /* of no length: none is */
	bool has_ports, elements;
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

static int name_order(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
	return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Ports of a set are the set's own when a rule says so that looks into it. */
static int find_sets(struct filter *f, const char *all, size_t len, struct error *err)
{
	struct filter scan = { .last = "" };
	const struct keyword *keyword = NULL;
	for (size_t at = 0, n; at < len; at += n) {
		const char *text = all + at;
		n = 1;
		if (*text == '\n')
			keyword = NULL;
		if (isspace((unsigned char)*text))
			continue;
		while (at + n < len && !isspace((unsigned char)text[n]))
			n++;
		chain_begin(&scan, text, n);
		const struct keyword *found = keyword_find(text, n);
		keyword = found ? found : keyword;
		scan.last = text;
		scan.last_len = n;
		if (*text != '@' || !keyword || keyword->kind != REMAP_PORT ||
		    !(keyword->side & scan.side))
			continue;
		struct name *name = array_add(&f->sets);
		if (!name)
			return error_set(err, ENOMEM, "out of memory");
		*name = (struct name){ text + 1, n - 1 };
	}
	if (f->sets.nr)
		qsort(f->sets.items, f->sets.nr, sizeof(*f->sets.items), name_order);
	return 0;
}

static bool has_own_ports(const struct filter *f)
{
	return f->sets.nr &&
	       bsearch(&f->name, f->sets.items, f->sets.nr, sizeof(*f->sets.items), name_order);
}

static void set_begin(struct filter *f, const char *text, size_t len)
{
	static const char *const ports[] = { "inet_service", "dport", "sport" };
	bool set = is_word(f->last, f->last_len, "set") || is_word(f->last, f->last_len, "map");
	if (set || is_word(f->last, f->last_len, "chain")) {
		f->name = (struct name){ text, set ? len : 0 };
		f->has_ports = f->elements = false;
	}
	for (size_t i = 0; f->name.len && i < ARRAY_SIZE(ports); i++)
		f->has_ports |= is_word(text, len, ports[i]);
	if (f->has_ports && is_word(text, len, "elements"))
		f->elements = has_own_ports(f);
	else if (memchr(text, '}', len))
		f->elements = false;
}

/* A number cannot be where there are more dots or colons than in "80:81". */
static bool like_address(const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	return memchr(text, '.', len) ||
	       (colon && memchr(colon + 1, ':', (size_t)(text + len - colon) - 1));
}

/* "80," or "10.0.0.1" of a set with a name. */
static int element(struct filter *f, const char *text, size_t len, struct strbuf *out,
		   struct error *err)
{
	bool counted =
	    is_word(f->last, f->last_len, "packets") || is_word(f->last, f->last_len, "bytes");
	return counted || like_address(text, len)
		   ? remap_addresses(f->r, text, len, out, err)
		   : remap_numbers(f->r, REMAP_PORT, text, len, out, err);
}

/* What may stand between "dport" and its numbers. */
static bool leads_on(const char *text, size_t len)
{
	return (!isalpha((unsigned char)*text) && *text != '@') || is_word(text, len, "map") ||
	       is_word(text, len, "vmap");
}

/* After "dport": "80", "!= 80", "{ 80, 443 }", "{ 10.0.0.1 . 80 }". */
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
	if (!(keyword->side & f->side) && !like_address(text, len))
		return strbuf_add(out, text, len) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
	return like_address(text, len) ? remap_addresses(f->r, text, len, out, err)
				       : remap_numbers(f->r, keyword->kind, text, len, out, err);
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
	set_begin(f, text, len);
	if (f->elements)
		return element(f, text, len, out, err);
	if (f->expect && !f->set && !leads_on(text, len))
		f->expect = NULL;
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
	int rc = find_sets(&f, text, len, err);
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
	free(f.sets.items);
	return rc;
}
