/* SPDX-License-Identifier: MIT
 * Formatting of struct error.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static int negative(int code)
{
	if (code == 0)
		return -EIO;
	return code > 0 ? -code : code;
}

/* Names of files and tasks are anybody's: no line end, nothing that steers a terminal. */
static void set_text(struct error *err, const char *fmt, va_list ap, const char *more)
{
	char text[sizeof(err->text)];
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	if (more && len >= 0 && (size_t)len < sizeof(text))
		snprintf(text + len, sizeof(text) - (size_t)len, ": %s", more);
	utf8_show(text, len < 0 ? 0 : strlen(text), err->text, sizeof(err->text));
}

int error_format_(struct error *err, int code, bool with_errno, const char *fmt, ...)
{
	code = negative(code);
	if (!err)
		return code;

	va_list ap;
	va_start(ap, fmt);
	set_text(err, fmt, ap, with_errno ? strerror(-code) : NULL);
	va_end(ap);
	err->code = code;
	return code;
}

int error_wrap_(struct error *err, int code, const char *fmt, ...)
{
	code = negative(code);
	if (!err)
		return code;

	char old[sizeof(err->text)];
	memcpy(old, err->text, sizeof(old));
	va_list ap;
	va_start(ap, fmt);
	set_text(err, fmt, ap, old);
	va_end(ap);
	err->code = code;
	return code;
}
