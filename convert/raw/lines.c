/* SPDX-License-Identifier: MIT
 * Rule sets (iptables-save, nft list ruleset): text, as a list of its lines.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/raw/raw.h"

#define PIECE (64 * 1024)

/* The end of the last whole UTF-8 character in [text, text+len), so that none is cut in two. */
static size_t whole_characters(const unsigned char *text, size_t len)
{
	size_t back = 0;
	while (back < 3 && back < len && (text[len - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back == len || text[len - 1 - back] < 0xc0)
		return len;
	size_t want = text[len - 1 - back] >= 0xf0 ? 4 : text[len - 1 - back] >= 0xe0 ? 3 : 2;
	return back + 1 < want ? len - 1 - back : len;
}

static void piece_to_json(struct json_out *out, const char *text, size_t len)
{
	for (;;) {
		const char *newline = memchr(text, '\n', len);
		size_t line = newline ? (size_t)(newline - text) : len;
		json_str_add(out, text, line);
		if (!newline)
			return;
		json_str_end(out);
		json_str_begin(out);
		text += line + 1;
		len -= line + 1;
	}
}

/* Lines are joined by line ends again: a text that ends with one has a last, empty line. */
int lines_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	auto_free char *text = malloc(PIECE);
	if (!text)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	json_key(out, "lines");
	json_begin(out, '[');
	size_t kept = 0;
	bool any = false;
	for (;;) {
		ssize_t n = image_read_raw(r, text + kept, PIECE - kept, err);
		if (n < 0)
			return (int)n;
		size_t len = kept + (size_t)n;
		if (!any && len)
			json_str_begin(out);
		any = any || len;
		size_t whole = n ? whole_characters((unsigned char *)text, len) : len;
		piece_to_json(out, text, whole);
		kept = len - whole;
		memmove(text, text + whole, kept);
		if (n == 0 || out->error)
			break;
	}
	if (any)
		json_str_end(out);
	json_end(out, ']');
	return 0;
}

static int line_read(struct json_in *in, struct image_writer *w, char *text, struct error *err)
{
	int rc = json_string_begin(in, err);
	ssize_t n = rc;
	while (rc == 0 && (n = json_string_read(in, text, PIECE, err)) > 0)
		rc = image_write_bytes(w, text, (size_t)n, err);
	return rc < 0 ? rc : (int)n;
}

int lines_from_json(struct json_in *in, struct image_writer *w, struct error *err)
{
	auto_free char *text = malloc(PIECE);
	if (!text)
		return json_error(in, ENOMEM, err, "out of memory");
	int rc = json_enter(in, JSON_ARRAY, err);
	bool first = true;
	while (rc >= 0 && (rc = json_item(in, err)) > 0) {
		if (!first)
			rc = image_write_bytes(w, "\n", 1, err);
		first = false;
		if (rc >= 0)
			rc = line_read(in, w, text, err);
	}
	return rc;
}
