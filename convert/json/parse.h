/* SPDX-License-Identifier: MIT
 * Reading JSON text as a stream: the caller pulls the value it expects next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strbuf.h"

#define JSON_MAX_DEPTH  160 /* a message may take two levels; readers take 64 messages */
#define JSON_MAX_KEY    256
#define JSON_MAX_STRING (64 * 1024 * 1024) /* of one string held in memory, bytes */

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_BOOL, JSON_NULL };

/*
 * A window over the text. Errors read "NAME: line L, byte B: entries[3].reg.name: …"; the path
 * follows json_enter(), json_member() and json_item().
 */
struct json_in {
	int fd;           /* borrowed, or `spooled`; -1: the text is all in buf */
	int spooled;      /* what came through a pipe, in a file; -1: it was not needed */
	const char *name; /* borrowed */
	char *buf;
	size_t pos, end;
	uint64_t base; /* offset of buf[0] in the text */
	uint64_t line; /* from 1 */
	bool own_buf;
	char key[JSON_MAX_KEY]; /* set by json_member() */
	unsigned depth;
	struct json_level {
		bool array, fresh;
		uint64_t index;             /* of the current item */
		const char *name;           /* of the current member; NULL: it stands in keys */
		unsigned keys_at, keys_len; /* there */
	} levels[JSON_MAX_DEPTH];
	char keys[512]; /* names on the way here, for errors; too long ones are cut */
};

int json_in_init(struct json_in *in, int fd, const char *name, struct error *err);
/** Text in memory, borrowed. */
void json_in_init_text(struct json_in *in, const char *text, size_t len, const char *name);
void json_in_fini(struct json_in *in);
/** Begin again. Of a pipe no more than the first buffer may have been read. */
int json_rewind(struct json_in *in, struct error *err);
#define auto_json_in __attribute__((cleanup(json_in_fini))) struct json_in

/** -EBADMSG (or `code`) with the place in the text and in the document in front. */
int json_error(struct json_in *in, int code, struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** What the next value is. @return enum json_kind, or -EBADMSG. */
int json_peek(struct json_in *in, struct error *err);

/** Step into an object or array. */
int json_enter(struct json_in *in, enum json_kind kind, struct error *err);
/** The next member, its name in in->key; its value must be read. @return 1; 0 after the last. */
int json_member(struct json_in *in, struct error *err);
/**
 * The same in two steps, for a reader that knows which names are likely: begin, then ask for some
 * of them, then for any. A name asked for is borrowed until the container ends.
 */
int json_member_begin(struct json_in *in, struct error *err);
/** Whether it has this name; then only its value is left to be read, and in->key is not set. */
bool json_member_is(struct json_in *in, const char *name);
int json_member_name(struct json_in *in, struct error *err);
/** Whether the innermost object ends here. Errors come from the read that follows. */
bool json_at_close(struct json_in *in);
/** The next item; it must be read. @return 1; 0 after the last. */
int json_item(struct json_in *in, struct error *err);

struct json_number {
	bool negative;
	uint64_t magnitude;
};
/** A whole number from -2^63 to 2^64-1; fractions and exponents are refused, never rounded. */
int json_number(struct json_in *in, struct json_number *out, struct error *err);
/**
 * One of at most 19 digits that is whole in the window, as most are.
 * @return false: something else, to be asked for what it is; nothing but blanks is read
 */
bool json_plain_number(struct json_in *in, struct json_number *out);
/** Any number as it is written, also fractions. @param len  of out; longer ones are refused */
int json_number_text(struct json_in *in, char *out, size_t len, struct error *err);
int json_boolean(struct json_in *in, bool *out, struct error *err);
/** A whole string as bytes (json_bytes() reversed), at most JSON_MAX_STRING; replaces out. */
int json_string(struct json_in *in, struct strbuf *out, struct error *err);

/** A string in pieces: begin, then read until 0. @param len  at least 4. */
int json_string_begin(struct json_in *in, struct error *err);
ssize_t json_string_read(struct json_in *in, char *buf, size_t len, struct error *err);
/**
 * The string as it is written, and what is behind it: all that is at hand, at least `want` bytes
 * (at most 4096) unless the text ends. Say how much of it, which must be a part of the string in
 * whole characters and escapes, was taken. @return bytes at *text, or -errno
 */
ssize_t json_string_text(struct json_in *in, size_t want, const char **text, struct error *err);
void json_string_took(struct json_in *in, size_t len);

/** Read past any value. */
int json_skip(struct json_in *in, struct error *err);
/** Nothing but white space may be left. */
int json_finish(struct json_in *in, struct error *err);
