/* SPDX-License-Identifier: MIT
 * Writing JSON text as a stream: one buffer, no document in memory.
 */
#include "convert/json/emit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/utf8.h"
#include "base/write-behind.h"

#define OUT_BUFFER (256 * 1024)
#define MAX_INDENT 256 /* columns; deeper text is not indented further */

int json_out_init(struct json_out *out, int fd, const char *name, bool pretty, struct error *err)
{
	*out = (struct json_out){ .fd = fd, .name = name, .pretty = pretty, .fresh = true };
	out->cap = OUT_BUFFER;
	out->buf = io_buffer(out->cap);
	if (fd >= 0)
		out->behind = write_behind_new(fd);
	return out->buf && (fd < 0 || out->behind)
		   ? 0
		   : error_set(err, ENOMEM, "%s: out of memory", name);
}

/* What is buffered; all of it, or what makes room. */
static void out_write(struct json_out *out, bool all)
{
	int rc = out->error;
	if (rc == 0)
		rc = all ? write_behind_all(out->behind, out->buf, out->len)
			 : write_behind_pages(out->behind, &out->buf, &out->len, &out->cap);
	if (all || rc < 0)
		out->len = 0;
	out->error = rc;
}

int json_out_flush(struct json_out *out, struct error *err)
{
	if (out->fd >= 0)
		out_write(out, true);
	return out->error ? error_code(err, out->error, "write %s", out->name) : 0;
}

void json_out_fini(struct json_out *out)
{
	write_behind_free(out->behind);
	free(out->buf);
	*out = (struct json_out){ .fd = -1 };
}

static void out_grow(struct json_out *out)
{
	char *grown = realloc(out->buf, out->cap * 2);
	if (grown) {
		out->buf = grown;
		out->cap *= 2;
	} else {
		out->error = -ENOMEM;
		out->len = 0;
	}
}

char *json_room(struct json_out *out, size_t n)
{
	if (out->cap - out->len < n) {
		if (out->fd >= 0)
			out_write(out, false);
		else
			out_grow(out);
	}
	return out->buf + out->len;
}

static inline void put(struct json_out *out, char c)
{
	*json_room(out, 1) = c;
	out->len++;
}

void json_raw(struct json_out *out, const char *text, size_t len)
{
	while (len) {
		size_t step = len < 4096 ? len : 4096;
		memcpy(json_room(out, step), text, step);
		out->len += step;
		text += step;
		len -= step;
	}
}

static void put_line(struct json_out *out)
{
	size_t indent = (size_t)out->depth * 4;
	if (indent > MAX_INDENT)
		indent = MAX_INDENT;
	char *at = json_room(out, indent + 1);
	*at = '\n';
	memset(at + 1, ' ', indent);
	out->len += indent + 1;
}

/* What stands between this value or key and the one before it. */
static void put_separator(struct json_out *out)
{
	if (out->after_key) {
		out->after_key = false;
		return;
	}
	if (!out->depth)
		return;
	if (!out->fresh)
		put(out, ',');
	if (out->pretty)
		put_line(out);
	else if (!out->fresh)
		put(out, ' ');
	out->fresh = false;
}

void json_begin(struct json_out *out, char bracket)
{
	put_separator(out);
	put(out, bracket);
	out->depth++;
	out->fresh = true;
}

void json_end(struct json_out *out, char bracket)
{
	out->depth--;
	if (!out->fresh && out->pretty)
		put_line(out);
	put(out, bracket);
	out->fresh = false;
}

void json_key(struct json_out *out, const char *key)
{
	put_separator(out);
	put(out, '"');
	json_raw(out, key, strlen(key));
	json_raw(out, "\": ", 3);
	out->after_key = true;
}

static void put_decimal(struct json_out *out, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	json_raw(out, digits + at, sizeof(digits) - at);
}

void json_u64(struct json_out *out, uint64_t value)
{
	put_separator(out);
	put_decimal(out, value);
}

void json_i64(struct json_out *out, int64_t value)
{
	put_separator(out);
	if (value < 0)
		put(out, '-');
	put_decimal(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_bool(struct json_out *out, bool value)
{
	put_separator(out);
	json_raw(out, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json_out *out)
{
	put_separator(out);
	json_raw(out, "null", 4);
}

static void put_u16(struct json_out *out, unsigned unit)
{
	static const char digits[] = "0123456789abcdef";
	char text[6] = { '\\',
			 'u',
			 digits[unit >> 12 & 15],
			 digits[unit >> 8 & 15],
			 digits[unit >> 4 & 15],
			 digits[unit & 15] };
	json_raw(out, text, sizeof(text));
}

static void put_ascii(struct json_out *out, unsigned char c)
{
	static const char named[] = "\"\\\n\r\t\f\b", letters[] = "\"\\nrtfb";
	const char *found = c ? strchr(named, c) : NULL;
	if (found) {
		put(out, '\\');
		put(out, letters[found - named]);
	} else if (c < 0x20 || c == 0x7f) {
		put_u16(out, c);
	} else {
		put(out, (char)c);
	}
}

bool json_is_utf8(const char *bytes, size_t len)
{
	uint32_t c;
	for (size_t n; len; len -= n) {
		n = *bytes ? utf8_decode(bytes, len, &c) : 0;
		if (!n)
			return false;
		bytes += n;
	}
	return true;
}

static size_t put_wide(struct json_out *out, const unsigned char *s, size_t len)
{
	uint32_t c;
	size_t n = utf8_decode((const char *)s, len, &c);
	if (!n) {
		put_u16(out, 0xdc00 + s[0]);
		return 1;
	}
	if (c < 0x10000) {
		put_u16(out, c);
	} else {
		put_u16(out, 0xd800 + ((c - 0x10000) >> 10));
		put_u16(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
	}
	return n;
}

static inline bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void json_str_add(struct json_out *out, const void *bytes, size_t len)
{
	const unsigned char *s = bytes;
	while (len) {
		size_t run = 0;
		while (run < len && is_plain(s[run]))
			run++;
		json_raw(out, (const char *)s, run);
		s += run;
		len -= run;
		if (!len)
			break;
		size_t n = 1;
		if (s[0] < 0x80)
			put_ascii(out, s[0]);
		else
			n = put_wide(out, s, len);
		s += n;
		len -= n;
	}
}

void json_str_begin(struct json_out *out)
{
	put_separator(out);
	put(out, '"');
}

void json_str_end(struct json_out *out)
{
	put(out, '"');
}

void json_bytes(struct json_out *out, const void *bytes, size_t len)
{
	json_str_begin(out);
	json_str_add(out, bytes, len);
	json_str_end(out);
}

void json_str(struct json_out *out, const char *s)
{
	json_bytes(out, s, strlen(s));
}

void json_strf(struct json_out *out, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_bytes(out, text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}
