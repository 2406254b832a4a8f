/* SPDX-License-Identifier: MIT
 * Reading JSON text as a stream: the caller pulls the value it expects next.
 */
#include "convert/json/parse.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "base/spool.h"
#include "base/utf8.h"

#define IN_BUFFER (128 * 1024)
/* In front of the buffer, which so stays aligned: room for what a refill finds unread. */
#define IN_FRONT PAGE

int json_in_init(struct json_in *in, int fd, const char *name, struct error *err)
{
	json_in_init_text(in, NULL, 0, name);
	in->fd = fd;
	in->own_buf = true;
	in->buf = io_buffer(IN_FRONT + IN_BUFFER);
	in->pos = in->end = IN_FRONT;
	in->base = -(uint64_t)IN_FRONT;
	return in->buf ? 0 : error_set(err, ENOMEM, "%s: out of memory", name);
}

void json_in_init_text(struct json_in *in, const char *text, size_t len, const char *name)
{
	memset(in, 0, sizeof(*in));
	in->fd = in->spooled = -1;
	in->name = name;
	in->buf = (char *)text; /* never written: own_buf is false */
	in->end = len;
	in->line = 1;
}

void json_in_fini(struct json_in *in)
{
	if (in->own_buf)
		free(in->buf);
	fd_close(in->spooled);
	memset(in, 0, sizeof(*in));
	in->fd = in->spooled = -1;
}

/* The next refill() reads the first byte of the text. */
static int rewind_fd(struct json_in *in, struct error *err)
{
	const size_t read_so_far = (size_t)(in->base + in->end);
	if (lseek(in->fd, -(off_t)read_so_far, SEEK_CUR) >= 0)
		return 0;
	if (in->base != -(uint64_t)IN_FRONT)
		return error_set(err, ESPIPE, "%s: a pipe cannot be read again: use a file",
				 in->name);
	int fd = spool_open(in->fd, in->name, in->buf + IN_FRONT, in->end - IN_FRONT, err);
	if (fd < 0)
		return fd;
	in->fd = in->spooled = fd;
	return 0;
}

int json_rewind(struct json_in *in, struct error *err)
{
	int rc = in->fd < 0 ? 0 : rewind_fd(in, err);
	if (rc == 0 && in->fd < 0) {
		in->pos = 0;
	} else if (rc == 0) {
		in->pos = in->end = IN_FRONT;
		in->base = -(uint64_t)IN_FRONT;
	}
	in->line = 1;
	in->depth = 0;
	return rc;
}

/* Where in the document we are: "entries[3].reg.name". */
static void path_text(const struct json_in *in, char *to, size_t size)
{
	size_t len = 0;
	*to = '\0';
	for (unsigned i = 0; i < in->depth && len < size - 1; i++) {
		const struct json_level *level = &in->levels[i];
		int n = 0;
		if (level->array && !level->fresh)
			n = snprintf(to + len, size - len, "[%" PRIu64 "]", level->index);
		else if (level->name)
			n = snprintf(to + len, size - len, "%s%s", len ? "." : "", level->name);
		else if (level->keys_len)
			n = snprintf(to + len, size - len, "%s%.*s", len ? "." : "",
				     (int)level->keys_len, in->keys + level->keys_at);
		len += n > 0 ? (size_t)n : 0;
	}
}

int json_error(struct json_in *in, int code, struct error *err, const char *fmt, ...)
{
	char text[400], path[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	path_text(in, path, sizeof(path));
	return error_set(err, code, "%s: line %" PRIu64 ", byte %" PRIu64 ": %s%s%s", in->name,
			 in->line, in->base + in->pos, path, *path ? ": " : "", text);
}

/* More text into a window with less than IN_FRONT in it. @return 1; 0 at the end; -errno. */
static int refill(struct json_in *in, struct error *err)
{
	if (in->fd < 0)
		return 0;
	size_t left = in->end - in->pos;
	memmove(in->buf + IN_FRONT - left, in->buf + in->pos, left);
	in->base += in->end - IN_FRONT;
	in->pos = IN_FRONT - left;
	in->end = IN_FRONT;
	ssize_t n = fd_read_full(in->fd, in->buf + IN_FRONT, IN_BUFFER);
	if (n < 0)
		return error_code(err, (int)n, "read %s", in->name);
	in->end += (size_t)n;
	return n > 0;
}

/* The next character, not consumed; -1 at the end of the text; below -1: -errno. */
static inline int look(struct json_in *in, struct error *err)
{
	if (in->pos == in->end) {
		int rc = refill(in, err);
		if (rc <= 0)
			return rc < 0 ? rc : -1;
	}
	return (unsigned char)in->buf[in->pos];
}

static int skip_blanks_slowly(struct json_in *in, struct error *err)
{
	for (;;) {
		int c = look(in, err);
		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return c;
		in->line += c == '\n';
		in->pos++;
	}
}

static inline int skip_blanks(struct json_in *in, struct error *err)
{
	/* mostly there is one, or none */
	if (in->end - in->pos >= 2) {
		in->pos += in->buf[in->pos] == ' ';
		unsigned char c = (unsigned char)in->buf[in->pos];
		if (c > ' ')
			return c;
	}
	return skip_blanks_slowly(in, err);
}

static int unexpected(struct json_in *in, int c, const char *want, struct error *err)
{
	if (c < -1)
		return c;
	if (c == -1)
		return json_error(in, EBADMSG, err, "the text ends, want %s", want);
	if (c > ' ' && c < 0x7f)
		return json_error(in, EBADMSG, err, "found '%c', want %s", c, want);
	return json_error(in, EBADMSG, err, "found byte 0x%02x, want %s", (unsigned)c, want);
}

int json_peek(struct json_in *in, struct error *err)
{
	int c = skip_blanks(in, err);
	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
	case 'f':
		return JSON_BOOL;
	case 'n':
		return JSON_NULL;
	default:
		if (c == '-' || (c >= '0' && c <= '9'))
			return JSON_NUMBER;
		return unexpected(in, c, "a value", err);
	}
}

static int expect(struct json_in *in, enum json_kind kind, struct error *err)
{
	static const char *const names[] = { "an object", "an array",      "a string",
					     "a number",  "true or false", "null" };
	int found = json_peek(in, err);
	if (found < 0)
		return found;
	if (found != (int)kind)
		return json_error(in, EBADMSG, err, "want %s, found %s", names[kind], names[found]);
	return 0;
}

int json_enter(struct json_in *in, enum json_kind kind, struct error *err)
{
	int rc = expect(in, kind, err);
	if (rc < 0)
		return rc;
	if (in->depth == JSON_MAX_DEPTH)
		return json_error(in, EBADMSG, err, "nested deeper than %d levels", JSON_MAX_DEPTH);
	in->pos++;
	unsigned keys_at = 0;
	if (in->depth) {
		const struct json_level *outer = &in->levels[in->depth - 1];
		keys_at = outer->keys_at + outer->keys_len;
	}
	in->levels[in->depth++] =
	    (struct json_level){ .array = kind == JSON_ARRAY, .fresh = true, .keys_at = keys_at };
	return 0;
}

/* The comma or closing bracket before the next member or item. @return 1 or 0. */
static int next_in_container(struct json_in *in, char close, struct error *err)
{
	struct json_level *level = &in->levels[in->depth - 1];
	int c = skip_blanks(in, err);
	if (c == close) {
		in->pos++;
		in->depth--;
		return 0;
	}
	if (!level->fresh) {
		if (c != ',')
			return unexpected(in, c, close == '}' ? "',' or '}'" : "',' or ']'", err);
		in->pos++;
	}
	level->fresh = false;
	return 1;
}

static int read_key(struct json_in *in, struct error *err)
{
	int rc = expect(in, JSON_STRING, err);
	if (rc < 0)
		return rc;
	rc = json_string_begin(in, err);
	size_t len = 0;
	ssize_t n;
	while (rc == 0 && (n = json_string_read(in, in->key + len, sizeof(in->key) - len, err))) {
		if (n < 0)
			return (int)n;
		len += (size_t)n;
		if (sizeof(in->key) - len < 5)
			return json_error(in, EBADMSG, err, "a name longer than %d bytes",
					  JSON_MAX_KEY - 5);
	}
	in->key[len] = '\0';
	return rc;
}

int json_member_begin(struct json_in *in, struct error *err)
{
	return next_in_container(in, '}', err);
}

bool json_member_is(struct json_in *in, const char *name)
{
	if (skip_blanks(in, NULL) != '"')
		return false;
	/* Only when all of it is in the window, which is nearly always; ends at the first NUL or
	   difference, and so within the name's length. */
	const char *at = in->buf + in->pos + 1, *end = in->buf + in->end;
	while (*name && at < end && *at == *name)
		at++, name++;
	if (*name || end - at < 2 || at[0] != '"' || at[1] != ':')
		return false;
	struct json_level *level = &in->levels[in->depth - 1];
	level->name = name - (at - (in->buf + in->pos + 1));
	level->keys_len = 0;
	in->pos = (size_t)(at + 2 - in->buf);
	return true;
}

int json_member_name(struct json_in *in, struct error *err)
{
	int rc = read_key(in, err);
	if (rc < 0)
		return rc;
	int c = skip_blanks(in, err);
	if (c != ':')
		return unexpected(in, c, "':'", err);
	in->pos++;
	struct json_level *level = &in->levels[in->depth - 1];
	size_t len = strlen(in->key), room = sizeof(in->keys) - level->keys_at;
	level->name = NULL;
	level->keys_len = (unsigned)(len < room ? len : room);
	memcpy(in->keys + level->keys_at, in->key, level->keys_len);
	return 1;
}

int json_member(struct json_in *in, struct error *err)
{
	int rc = json_member_begin(in, err);
	return rc <= 0 ? rc : json_member_name(in, err);
}

bool json_at_close(struct json_in *in)
{
	return skip_blanks(in, NULL) == '}';
}

int json_item(struct json_in *in, struct error *err)
{
	struct json_level *level = &in->levels[in->depth - 1];
	bool fresh = level->fresh;
	int rc = next_in_container(in, ']', err);
	if (rc <= 0)
		return rc;
	if (!fresh)
		level->index++;
	return 1;
}

/* One token of letters, digits and signs. @return its length. */
static int read_word(struct json_in *in, char *word, size_t size, struct error *err)
{
	size_t len = 0;
	for (;;) {
		int c = look(in, err);
		if (c < -1)
			return c;
		bool part = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' ||
			    c == '+' || c == '.' || c == 'E';
		if (!part)
			break;
		if (len + 1 == size)
			return json_error(in, EBADMSG, err, "a number with too many digits");
		word[len++] = (char)c;
		in->pos++;
	}
	word[len] = '\0';
	return (int)len;
}

bool json_plain_number(struct json_in *in, struct json_number *out)
{
	skip_blanks(in, NULL);
	const char *at = in->buf + in->pos, *end = in->buf + in->end, *start = at;
	if (end - at < 20 || (at[0] == '0' && at[1] >= '0' && at[1] <= '9'))
		return false;
	uint64_t n = 0;
	while (at - start < 19 && *at >= '0' && *at <= '9')
		n = n * 10 + (uint64_t)(*at++ - '0');
	if (at == start || (*at != ',' && *at != '}' && *at != ']' && *at != '\n'))
		return false;
	in->pos += (size_t)(at - start);
	*out = (struct json_number){ .magnitude = n };
	return true;
}

int json_number(struct json_in *in, struct json_number *out, struct error *err)
{
	char word[64];
	if (json_plain_number(in, out))
		return 0;
	int rc = expect(in, JSON_NUMBER, err);
	if (rc == 0)
		rc = read_word(in, word, sizeof(word), err);
	if (rc < 0)
		return rc;
	struct json_number n = { .negative = word[0] == '-' };
	const char *s = word + n.negative;
	if (!*s || (s[0] == '0' && s[1]))
		return json_error(in, EBADMSG, err, "%s is not a number", word);
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return json_error(in, EBADMSG, err, "%s is not a whole number", word);
		if (__builtin_mul_overflow(n.magnitude, UINT64_C(10), &n.magnitude) ||
		    __builtin_add_overflow(n.magnitude, (uint64_t)(*s - '0'), &n.magnitude))
			return json_error(in, EBADMSG, err, "%s does not fit 64 bits", word);
	}
	if (n.negative && n.magnitude > UINT64_C(1) << 63)
		return json_error(in, EBADMSG, err, "%s does not fit 64 bits", word);
	*out = n;
	return 0;
}

int json_number_text(struct json_in *in, char *out, size_t len, struct error *err)
{
	int rc = expect(in, JSON_NUMBER, err);
	if (rc == 0)
		rc = read_word(in, out, len, err);
	if (rc < 0)
		return rc;
	if (!out[0] || out[strspn(out, "0123456789+-.eE")])
		return json_error(in, EBADMSG, err, "%s is not a number", out);
	return 0;
}

static int read_literal(struct json_in *in, const char *a, const char *b, bool *is_a,
			struct error *err)
{
	char word[64];
	int rc = read_word(in, word, sizeof(word), err);
	if (rc < 0)
		return rc;
	*is_a = !strcmp(word, a);
	if (!*is_a && strcmp(word, b))
		return json_error(in, EBADMSG, err, "%s is not JSON", word);
	return 0;
}

int json_boolean(struct json_in *in, bool *out, struct error *err)
{
	int rc = expect(in, JSON_BOOL, err);
	return rc < 0 ? rc : read_literal(in, "true", "false", out, err);
}

int json_string_begin(struct json_in *in, struct error *err)
{
	int rc = expect(in, JSON_STRING, err);
	if (rc == 0)
		in->pos++;
	return rc;
}

/* Four hex digits of a \u escape. @return the unit, or -EBADMSG. */
static int read_unit(struct json_in *in, struct error *err)
{
	int unit = 0;
	for (int i = 0; i < 4; i++) {
		int c = look(in, err);
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return unexpected(in, c, "four hex digits after \\u", err);
		unit = unit << 4 | digit;
		in->pos++;
	}
	return unit;
}

static ssize_t read_unicode(struct json_in *in, char *to, struct error *err)
{
	int unit = read_unit(in, err);
	if (unit < 0)
		return unit;
	if (unit >= 0xdc80 && unit <= 0xdcff) { /* a byte that was not UTF-8 */
		to[0] = (char)(unit - 0xdc00);
		return 1;
	}
	if (unit < 0xd800 || unit > 0xdfff)
		return (ssize_t)utf8_encode((uint32_t)unit, to);
	if (unit < 0xdc00) {
		static const char next[] = { '\\', 'u' };
		for (int i = 0; i < 2; i++) {
			int c = look(in, err);
			if (c != next[i])
				return unexpected(in, c, "the second half of a surrogate pair",
						  err);
			in->pos++;
		}
		int low = read_unit(in, err);
		if (low < 0)
			return low;
		if (low >= 0xdc00 && low <= 0xdfff)
			return (ssize_t)utf8_encode(0x10000 + (((uint32_t)unit & 0x3ff) << 10) +
							((uint32_t)low & 0x3ff),
						    to);
	}
	return json_error(in, EBADMSG, err, "\\u%04x is half a surrogate pair", (unsigned)unit);
}

/* After the backslash. @return bytes stored, at most 4. */
static ssize_t read_escape(struct json_in *in, char *to, struct error *err)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	int c = look(in, err);
	if (c == 'u') {
		in->pos++;
		return read_unicode(in, to, err);
	}
	const char *found = c > 0 ? strchr(letters, c) : NULL;
	if (!found)
		return unexpected(in, c, "an escape", err);
	in->pos++;
	to[0] = meanings[found - letters];
	return 1;
}

/* How many characters at the window's start stand for themselves, at most `max`. */
static size_t plain_run(const struct json_in *in, size_t max)
{
	const unsigned char *s = (const unsigned char *)in->buf + in->pos;
	size_t len = in->end - in->pos < max ? in->end - in->pos : max;
	size_t run = 0;
	/* eight at a time: no byte is '"', '\\' or below 0x20 */
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
	for (; run + 8 <= len; run += 8) {
		uint64_t v;
		memcpy(&v, s + run, 8);
		uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
		uint64_t stop = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
				((v - ones * 0x20) & ~v);
		if (stop & highs)
			break;
	}
	while (run < len && s[run] != '"' && s[run] != '\\' && s[run] >= 0x20)
		run++;
	return run;
}

ssize_t json_string_text(struct json_in *in, size_t want, const char **text, struct error *err)
{
	int rc = 1;
	while (rc > 0 && in->end - in->pos < want)
		rc = refill(in, err);
	if (rc < 0)
		return rc;
	*text = in->buf + in->pos;
	return (ssize_t)(in->end - in->pos);
}

void json_string_took(struct json_in *in, size_t len)
{
	in->pos += len;
}

ssize_t json_string_read(struct json_in *in, char *buf, size_t len, struct error *err)
{
	size_t done = 0;
	while (len - done >= 4) {
		int c = look(in, err);
		if (c == '"') {
			/* at the end: consumed only by the read that returns 0 */
			if (!done)
				in->pos++;
			break;
		}
		if (c < 0x20)
			return c < -1 ? c : unexpected(in, c, "the rest of a string", err);
		ssize_t n;
		if (c == '\\') {
			in->pos++;
			n = read_escape(in, buf + done, err);
			if (n < 0)
				return n;
		} else {
			n = (ssize_t)plain_run(in, len - done);
			memcpy(buf + done, in->buf + in->pos, (size_t)n);
			in->pos += (size_t)n;
		}
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int json_string(struct json_in *in, struct strbuf *out, struct error *err)
{
	strbuf_reset(out);
	int rc = json_string_begin(in, err);
	if (rc < 0)
		return rc;
	for (size_t step = 64;; step = step < 65536 ? step * 2 : step) {
		if (strbuf_reserve(out, step) < 0)
			return error_set(err, ENOMEM, "%s: out of memory", in->name);
		ssize_t n = json_string_read(in, out->data + out->len, step, err);
		if (n < 0)
			return (int)n;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (n == 0)
			return 0;
		if (out->len > JSON_MAX_STRING)
			return json_error(in, EBADMSG, err, "a string longer than %d bytes",
					  JSON_MAX_STRING);
	}
}

static int skip_string(struct json_in *in, struct error *err)
{
	char piece[4096];
	ssize_t n = json_string_begin(in, err);
	if (n < 0)
		return (int)n;
	do {
		n = json_string_read(in, piece, sizeof(piece), err);
	} while (n > 0);
	return (int)n;
}

static int skip_scalar(struct json_in *in, int kind, struct error *err)
{
	char word[64];
	bool flag;
	switch (kind) {
	case JSON_STRING:
		return skip_string(in, err);
	case JSON_BOOL:
		return json_boolean(in, &flag, err);
	case JSON_NULL:
		return read_literal(in, "null", "null", &flag, err);
	default: {
		int rc = read_word(in, word, sizeof(word), err);
		return rc < 0 ? rc : 0;
	}
	}
}

int json_skip(struct json_in *in, struct error *err)
{
	unsigned start = in->depth;
	do {
		int kind = json_peek(in, err);
		if (kind < 0)
			return kind;
		int rc = kind <= JSON_ARRAY ? json_enter(in, (enum json_kind)kind, err)
					    : skip_scalar(in, kind, err);
		if (rc < 0)
			return rc;
		/* to the next value, leaving every container that ends here */
		while (in->depth > start) {
			bool array = in->levels[in->depth - 1].array;
			rc = array ? json_item(in, err) : json_member(in, err);
			if (rc < 0)
				return rc;
			if (rc > 0)
				break;
		}
	} while (in->depth > start);
	return 0;
}

int json_finish(struct json_in *in, struct error *err)
{
	int c = skip_blanks(in, err);
	return c == -1 ? 0 : unexpected(in, c, "the end of the text", err);
}
