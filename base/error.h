/* SPDX-License-Identifier: MIT
 * One error: a negative errno for the program, one sentence for the person.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>

/**
 * Lives on the caller's stack; written exactly when a function returns a negative errno.
 * Every setter returns the (always negative) code, so `return error_set(…)` is the idiom.
 * A NULL err is fine everywhere: only the code is returned then.
 */
struct error {
	int code;        /* negative errno, 0 while unset */
	char text[1024]; /* one line, no newline, no trailing period */
};

int error_format_(struct error *err, int code, bool with_errno, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int error_wrap_(struct error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Lets the compiler see that the result is negative; a zero code becomes -EIO. */
static inline int error_negative_(int code)
{
	if (code >= 0)
		__builtin_unreachable();
	return code;
}

/** Set a message. @param code errno, positive or negative. @return -errno. */
#define error_set(err, code, ...) error_negative_(error_format_(err, code, false, __VA_ARGS__))

/** Set a message followed by ": " and the text of errno. @return -errno. */
#define error_sys(err, ...) error_negative_(error_format_(err, errno, true, __VA_ARGS__))

/** As error_sys(), for a function that returned -errno instead of setting it. */
#define error_code(err, code, ...) error_negative_(error_format_(err, code, true, __VA_ARGS__))

/** Put "context: " before the message that is already there. @return -errno. */
#define error_wrap(err, code, ...) error_negative_(error_wrap_(err, code, __VA_ARGS__))
