/* SPDX-License-Identifier: MIT
 * Base64 in lines of 76 characters, as a stream in both directions.
 */
#include "convert/json/base64.h"

#include <errno.h>
#include <string.h>

#define LINES_AT_ONCE 128 /* within what json_room() gives */

/* Less than a line, which may end inside a group. */
static void emit_rest(struct json_out *out, const uint8_t *bytes, size_t len)
{
	char *start = json_room(out, BASE64_LINE_TEXT), *to = start;
	size_t whole = len / 3 * 3;
	for (size_t i = 0; i < whole; i += 3)
		to = base64_encode_group(bytes + i, to);
	if (whole < len) {
		uint8_t tail[3] = { bytes[whole], len - whole == 2 ? bytes[whole + 1] : 0 };
		to = base64_encode_group(tail, to);
		memset(to - (3 - (len - whole)), '=', 3 - (len - whole));
	}
	*to++ = '\\';
	*to++ = 'n';
	out->len += (size_t)(to - start);
}

void base64_emit(struct json_out *out, const void *bytes, size_t len)
{
	const struct base64_way *way = base64_way();
	const uint8_t *from = bytes;
	for (size_t left = len / BASE64_LINE_BYTES, nr; left; left -= nr) {
		nr = left < LINES_AT_ONCE ? left : LINES_AT_ONCE;
		way->encode_lines(from, nr, json_room(out, nr * BASE64_LINE_TEXT));
		out->len += nr * BASE64_LINE_TEXT;
		from += nr * BASE64_LINE_BYTES;
	}
	if (len % BASE64_LINE_BYTES)
		emit_rest(out, from, len % BASE64_LINE_BYTES);
}

void json_base64(struct json_out *out, const void *bytes, size_t len)
{
	json_str_begin(out);
	base64_emit(out, bytes, len);
	json_str_end(out);
}

static bool is_blank(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* One character; @return bytes stored or -EINVAL. */
static ssize_t decode_char(struct base64_decoder *d, char c, uint8_t *out)
{
	if (is_blank(c))
		return 0;
	if (c == '=') {
		/* "xx==" or "xxx=": the bytes come out with the first sign */
		d->pad++;
		if (d->nr < 2 || d->nr + d->pad > 4)
			return -EINVAL;
		if (d->pad > 1)
			return 0;
		out[0] = (uint8_t)(d->nr == 2 ? d->bits >> 4 : d->bits >> 10);
		out[1] = (uint8_t)(d->bits >> 2);
		return (ssize_t)d->nr - 1;
	}
	uint8_t v = base64_value(c);
	if (v == 0xff || d->pad)
		return -EINVAL;
	d->bits = d->bits << 6 | v;
	if (++d->nr < 4)
		return 0;
	out[0] = (uint8_t)(d->bits >> 16);
	out[1] = (uint8_t)(d->bits >> 8);
	out[2] = (uint8_t)d->bits;
	d->nr = 0;
	d->bits = 0;
	return 3;
}

ssize_t base64_decode(struct base64_decoder *d, const char *text, size_t len, uint8_t *out)
{
	const struct base64_way *way = base64_way();
	uint8_t *to = out;
	for (size_t i = 0; i < len;) {
		if (!d->nr && !d->pad) {
			size_t groups = way->decode_groups(text + i, len - i, to);
			i += groups * 4;
			to += groups * 3;
			if (i == len)
				break;
		}
		ssize_t n = decode_char(d, text[i++], to);
		if (n < 0)
			return n;
		to += n;
	}
	return to - out;
}

int base64_decode_end(const struct base64_decoder *d)
{
	return d->nr + d->pad == 4 || (!d->nr && !d->pad) ? 0 : -EINVAL;
}
