/* SPDX-License-Identifier: MIT
 * Writing JSON text as a stream: one buffer, no document in memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct write_behind; /* base/write-behind.h */

/*
 * Two layouts: compact (", " and ": ") and pretty (indented by 4). A failed write is remembered
 * and everything after it is dropped, so only json_out_flush() needs checking, and long loops
 * look at `error`.
 */
struct json_out {
	int fd;           /* borrowed; -1: everything stays in buf[0, len) */
	const char *name; /* for messages; borrowed */
	bool pretty;      /* indent, and show integers as people read them */
	int error;        /* 0 or -errno of the first failure */
	char *buf;
	size_t len, cap;
	struct write_behind *behind; /* NULL: no fd */
	unsigned depth;
	bool fresh;     /* the innermost container has nothing in it yet */
	bool after_key; /* the next value belongs to a key */
};

/** @param fd  where to write, borrowed; -1 collects in memory. @return 0 or -ENOMEM. */
int json_out_init(struct json_out *out, int fd, const char *name, bool pretty, struct error *err);
/** Write what is buffered. @return 0, or the first failure since json_out_init(). */
int json_out_flush(struct json_out *out, struct error *err);
void json_out_fini(struct json_out *out);
#define auto_json_out __attribute__((cleanup(json_out_fini))) struct json_out

/** Containers: json_begin(out, '{') … json_end(out, '}'). */
void json_begin(struct json_out *out, char bracket);
void json_end(struct json_out *out, char bracket);
/** A member's name, plain ASCII without quotes or backslashes; its value comes next. */
void json_key(struct json_out *out, const char *key);

void json_u64(struct json_out *out, uint64_t value);
void json_i64(struct json_out *out, int64_t value);
void json_bool(struct json_out *out, bool value);
void json_null(struct json_out *out);
/**
 * Bytes as a string. Valid UTF-8 becomes its characters, ASCII-only on output; any other byte
 * becomes the lone surrogate U+DC80…U+DCFF (Python's surrogateescape), which parse.h turns back.
 */
void json_str(struct json_out *out, const char *s);
void json_bytes(struct json_out *out, const void *bytes, size_t len);
/** Whether bytes are valid UTF-8 without a NUL: text for everybody. */
bool json_is_utf8(const char *bytes, size_t len);
/** A formatted string; for short text of our own. */
void json_strf(struct json_out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** A string in pieces: each piece is escaped on its own, so text must not be split inside UTF-8. */
void json_str_begin(struct json_out *out);
void json_str_add(struct json_out *out, const void *bytes, size_t len);
void json_str_end(struct json_out *out);

/** Text that needs no escaping, as it is. */
void json_raw(struct json_out *out, const char *text, size_t len);
/** At least n writable bytes (n ≤ 16 KiB) at the end; add what was used to out->len. */
char *json_room(struct json_out *out, size_t n);
