/* SPDX-License-Identifier: MIT
 * Growing byte buffer.
 */
#include "base/strbuf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int strbuf_reserve(struct strbuf *sb, size_t more)
{
	size_t want;
	if (__builtin_add_overflow(sb->len, more, &want) ||
	    __builtin_add_overflow(want, (size_t)1, &want))
		return -ENOMEM;
	if (want <= sb->cap)
		return 0;
	size_t cap = sb->cap < 64 ? 64 : sb->cap;
	while (cap < want) {
		if (__builtin_mul_overflow(cap, (size_t)2, &cap))
			return -ENOMEM;
	}
	char *data = realloc(sb->data, cap);
	if (!data)
		return -ENOMEM;
	sb->data = data;
	sb->cap = cap;
	return 0;
}

int strbuf_add(struct strbuf *sb, const void *bytes, size_t len)
{
	int rc = strbuf_reserve(sb, len);
	if (rc < 0)
		return rc;
	if (len)
		memcpy(sb->data + sb->len, bytes, len);
	sb->len += len;
	sb->data[sb->len] = '\0';
	return 0;
}

int strbuf_str(struct strbuf *sb, const char *s)
{
	return strbuf_add(sb, s, strlen(s));
}

int strbuf_char(struct strbuf *sb, char c)
{
	return strbuf_add(sb, &c, 1);
}

int strbuf_vprintf(struct strbuf *sb, const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	int rc = len < 0 ? -EINVAL : strbuf_reserve(sb, (size_t)len);
	if (rc == 0) {
		vsnprintf(sb->data + sb->len, (size_t)len + 1, fmt, again);
		sb->len += (size_t)len;
	}
	va_end(again);
	return rc;
}

int strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int rc = strbuf_vprintf(sb, fmt, args);
	va_end(args);
	return rc;
}

void strbuf_reset(struct strbuf *sb)
{
	sb->len = 0;
	if (sb->data)
		sb->data[0] = '\0';
}

void strbuf_fini(struct strbuf *sb)
{
	free(sb->data);
	*sb = (struct strbuf){ 0 };
}
