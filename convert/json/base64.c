/* SPDX-License-Identifier: MIT
 * Base64 in lines of 76 characters, as a stream in both directions.
 */
#include "convert/json/base64.h"

#include <errno.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Value of each character, 0xff for the rest: so four lookups or'ed show any stranger. */
static const uint8_t values[256] = {
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 62,  255, 255, 255, 63,  52,  53,  54,  55,  56,  57,
	58,  59,  60,  61,  255, 255, 255, 255, 255, 255, 255, 0,   1,   2,   3,   4,   5,   6,
	7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,
	25,  255, 255, 255, 255, 255, 255, 26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  36,
	37,  38,  39,  40,  41,  42,  43,  44,  45,  46,  47,  48,  49,  50,  51,  255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255,
};

static char *encode_group(char *to, const uint8_t *from)
{
	uint32_t v = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
	to[0] = digits[v >> 18];
	to[1] = digits[v >> 12 & 63];
	to[2] = digits[v >> 6 & 63];
	to[3] = digits[v & 63];
	return to + 4;
}

static void emit_line(struct json_out *out, const uint8_t *bytes, size_t len)
{
	char *start = json_room(out, 80), *to = start;
	size_t whole = len / 3 * 3;
	for (size_t i = 0; i < whole; i += 3)
		to = encode_group(to, bytes + i);
	if (whole < len) {
		uint8_t tail[3] = { bytes[whole], len - whole == 2 ? bytes[whole + 1] : 0 };
		to = encode_group(to, tail);
		memset(to - (3 - (len - whole)), '=', 3 - (len - whole));
	}
	*to++ = '\\';
	*to++ = 'n';
	out->len += (size_t)(to - start);
}

void base64_emit(struct json_out *out, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	while (len) {
		size_t line = len < BASE64_LINE_BYTES ? len : BASE64_LINE_BYTES;
		emit_line(out, from, line);
		from += line;
		len -= line;
	}
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
	uint8_t v = values[(uint8_t)c];
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

/* Whole groups of four digits; stops at the first other character. @return groups. */
static size_t decode_groups(const char *text, size_t len, uint8_t *out)
{
	size_t groups = 0;
	for (; (groups + 1) * 4 <= len; groups++) {
		const char *t = text + groups * 4;
		uint8_t a = values[(uint8_t)t[0]], b = values[(uint8_t)t[1]];
		uint8_t c = values[(uint8_t)t[2]], d = values[(uint8_t)t[3]];
		if ((a | b | c | d) & 0xc0)
			break;
		uint32_t v = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
		*out++ = (uint8_t)(v >> 16);
		*out++ = (uint8_t)(v >> 8);
		*out++ = (uint8_t)v;
	}
	return groups;
}

ssize_t base64_decode(struct base64_decoder *d, const char *text, size_t len, uint8_t *out)
{
	uint8_t *to = out;
	for (size_t i = 0; i < len;) {
		if (!d->nr && !d->pad) {
			size_t groups = decode_groups(text + i, len - i, to);
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
