/* SPDX-License-Identifier: MIT
 * The text of a packet filter, as iptables-save and `nft list ruleset` print it: it ends with a
 * whole line, and what begins ends.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/raw/raw.h"

#define PIECE (64 * 1024)

struct rules {
	bool nft;
	uint64_t line; /* from 1 */
	bool quoted, comment;
	char first, last; /* of the line; of the text */
	uint64_t open;    /* braces; of iptables, whether a table waits for its COMMIT */
	const char *wrong;
};

static void begin_line(struct rules *rules, char c)
{
	rules->first = c;
	if (rules->nft)
		return;
	if (c == '*' && rules->open)
		rules->wrong = "a table begins before the last one ends";
	if (c == '*')
		rules->open = 1;
	else if (c == 'C') /* COMMIT: chains begin with a colon, rules with - or [ */
		rules->open = 0;
}

static void nft_byte(struct rules *rules, char c)
{
	if (c == '"' && !rules->comment)
		rules->quoted = !rules->quoted;
	else if (c == '#' && !rules->quoted)
		rules->comment = true;
	if (rules->quoted || rules->comment)
		return;
	if (c == '{')
		rules->open++;
	else if (c == '}' && !rules->open--)
		rules->wrong = "a brace closes what did not open";
}

static void add_byte(struct rules *rules, char c)
{
	if (!rules->last || rules->last == '\n')
		begin_line(rules, c);
	if (rules->nft)
		nft_byte(rules, c);
	rules->last = c;
	if (c != '\n')
		return;
	rules->line++;
	rules->comment = false;
}

static const char *wrong_at_end(const struct rules *rules)
{
	if (rules->wrong)
		return rules->wrong;
	if (rules->last && rules->last != '\n')
		return "the last line has no end";
	if (rules->quoted)
		return "a string has no end";
	if (rules->open)
		return rules->nft ? "a brace is not closed" : "the last table has no COMMIT";
	return NULL;
}

int filter_text_check(struct image_reader *r, struct error *err)
{
	auto_free char *piece = malloc(PIECE);
	struct rules rules = { .nft = image_reader_type(r)->id == IMG_NFTABLES, .line = 1 };
	ssize_t n = -ENOMEM;
	if (!piece)
		return error_set(err, ENOMEM, "out of memory");
	while (!rules.wrong && (n = image_read_raw(r, piece, PIECE, err)) > 0) {
		for (ssize_t i = 0; i < n && !rules.wrong; i++)
			add_byte(&rules, piece[i]);
	}
	if (n < 0)
		return (int)n;
	const char *wrong = wrong_at_end(&rules);
	return wrong ? error_set(err, EBADMSG, "line %" PRIu64 ": %s",
				 rules.line - (rules.last == '\n'), wrong)
		     : 0;
}
