/* SPDX-License-Identifier: MIT
 * Bytes of any length as one base64 string, never held whole.
 */
#include "convert/raw/blob.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "convert/json/base64.h"

/* Whole pages and whole lines. */
#define PIECE      (BASE64_LINE_BYTES * PAGE)
#define TEXT_PIECE (64 * 1024)
#define LINES      128 /* decoded at once */

int blob_to_json(struct image_reader *r, blob_source *source, uint64_t len, struct json_out *out,
		 struct error *err)
{
	size_t step = len < PIECE ? (size_t)len : PIECE;
	auto_free char *buf = io_buffer(PAGE + step);
	if (!buf)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	/* as far into a page as in the file: so the kernel copies fastest, see io_buffer() */
	char *piece = buf + image_payload_offset(r) % PAGE;
	json_str_begin(out);
	ssize_t n;
	while ((n = source(r, piece, step, err)) > 0 && !out->error)
		base64_emit(out, piece, (size_t)n);
	json_str_end(out);
	return n < 0 ? (int)n : 0;
}

/* Text as decode writes it, from where it was read to where it goes. @return bytes, -errno */
static ssize_t lines_read(struct json_in *in, uint8_t *bytes, struct error *err)
{
	const char *text;
	ssize_t len = json_string_text(in, BASE64_LINE_TEXT, &text, err);
	if (len < 0)
		return len;
	if (len > LINES * BASE64_LINE_TEXT)
		len = LINES * BASE64_LINE_TEXT;
	size_t nr = base64_way()->decode_lines(text, (size_t)len, bytes);
	json_string_took(in, nr * BASE64_LINE_TEXT);
	return (ssize_t)(nr * BASE64_LINE_BYTES);
}

/* Any other. @return as json_string_read(); *len is how many bytes it was */
static ssize_t text_read(struct json_in *in, struct base64_decoder *decoder, uint8_t *bytes,
			 size_t *len, struct error *err)
{
	char *text = (char *)bytes + BASE64_CARRY;
	ssize_t n = json_string_read(in, text, TEXT_PIECE, err);
	if (n <= 0)
		return n;
	if (n > 5 && !strncmp(text, "... <", 5))
		return json_error(in, EBADMSG, err, "the payload was left out by --nopl");
	ssize_t nr = base64_decode(decoder, text, (size_t)n, bytes);
	if (nr < 0)
		return json_error(in, EBADMSG, err, "not base64");
	*len = (size_t)nr;
	return n;
}

int blob_from_json(struct json_in *in, const struct blob_sink *sink, struct error *err)
{
	auto_free uint8_t *bytes = malloc(BASE64_CARRY + TEXT_PIECE);
	if (!bytes)
		return json_error(in, ENOMEM, err, "out of memory");
	struct base64_decoder decoder = { 0 };
	int rc = json_string_begin(in, err);
	while (rc == 0) {
		size_t len = 0;
		ssize_t n = decoder.nr || decoder.pad ? 0 : lines_read(in, bytes, err);
		if (n > 0)
			len = (size_t)n;
		else if (n == 0)
			n = text_read(in, &decoder, bytes, &len, err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		rc = sink->add(sink->arg, bytes, len, err);
	}
	if (rc == 0 && base64_decode_end(&decoder) < 0)
		return json_error(in, EBADMSG, err, "base64 cut short");
	return rc;
}
