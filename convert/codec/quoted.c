/* SPDX-License-Identifier: MIT
 * Quoted-printable text (RFC 2045), in which names of unix sockets are written.
 */
#include "convert/codec/quoted.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LINE_MAX_CHARS 76 /* with the '=' of a soft break */

struct quoted {
	const uint8_t *bytes;
	size_t len;
	const char *soft_break;
	size_t column;
	struct strbuf *out;
};

static bool at_line_end(const struct quoted *q, size_t i)
{
	return i == q->len || q->bytes[i] == '\n' ||
	       (q->bytes[i] == '\r' && i + 1 < q->len && q->bytes[i + 1] == '\n');
}

static bool needs_quoting(const struct quoted *q, size_t i)
{
	uint8_t c = q->bytes[i];
	if (c == ' ' || c == '\t')
		return at_line_end(q, i + 1);
	/* a lone dot ends a mail */
	if (c == '.' && q->column == 0)
		return i + 1 == q->len || strchr("\r\n", q->bytes[i + 1]);
	return c > 126 || c == '=' || (c < 33 && c != '\r' && c != '\n');
}

static int break_line(struct quoted *q)
{
	q->column = 0;
	return strbuf_str(q->out, q->soft_break);
}

static int put_quoted(struct quoted *q, uint8_t c)
{
	int rc = q->column + 3 >= LINE_MAX_CHARS ? break_line(q) : 0;
	if (rc == 0)
		rc = strbuf_printf(q->out, "=%02X", c);
	q->column += 3;
	return rc;
}

static int put_plain(struct quoted *q, size_t i)
{
	bool last = i + 1 == q->len || q->bytes[i + 1] == '\n';
	int rc = !last && q->column + 1 >= LINE_MAX_CHARS ? break_line(q) : 0;
	if (rc == 0)
		rc = strbuf_char(q->out, (char)q->bytes[i]);
	q->column++;
	return rc;
}

int quoted_encode(const void *bytes, size_t len, struct strbuf *out)
{
	const uint8_t *newline = len ? memchr(bytes, '\n', len) : NULL;
	bool crlf = newline && newline > (const uint8_t *)bytes && newline[-1] == '\r';
	struct quoted q = { bytes, len, crlf ? "=\r\n" : "=\n", 0, out };
	for (size_t i = 0; i < len; i++) {
		int rc;
		if (needs_quoting(&q, i)) {
			rc = put_quoted(&q, q.bytes[i]);
		} else if (at_line_end(&q, i)) {
			rc = strbuf_char(out, (char)q.bytes[i]);
			q.column = 0;
		} else {
			rc = put_plain(&q, i);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

long quoted_decode(char *text, size_t len)
{
	size_t to = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '=') {
			text[to++] = text[i];
			continue;
		}
		size_t left = len - i - 1;
		if (left >= 1 && text[i + 1] == '\n') {
			i += 1;
			continue;
		}
		if (left < 2)
			return -EINVAL;
		if (text[i + 1] == '\r' && text[i + 2] == '\n') {
			i += 2;
			continue;
		}
		int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
		if (high < 0 || low < 0)
			return -EINVAL;
		text[to++] = (char)(high << 4 | low);
		i += 2;
	}
	return (long)to;
}
