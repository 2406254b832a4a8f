/* SPDX-License-Identifier: MIT
 * A growing byte buffer that is always NUL-terminated once something was added.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
	char *data;
	size_t len, cap;
};

/** All of these return 0 or -ENOMEM; the contents stay as they were when it fails. */
int strbuf_add(struct strbuf *sb, const void *bytes, size_t len);
int strbuf_str(struct strbuf *sb, const char *s);
int strbuf_char(struct strbuf *sb, char c);
int strbuf_printf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int strbuf_vprintf(struct strbuf *sb, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
int strbuf_reserve(struct strbuf *sb, size_t more);

/** Forget the contents, keep the storage. */
void strbuf_reset(struct strbuf *sb);
/** Release the storage; the struct is empty and usable again. */
void strbuf_fini(struct strbuf *sb);

#define auto_strbuf __attribute__((cleanup(strbuf_fini))) struct strbuf
