/* SPDX-License-Identifier: MIT
 * Formatting of struct error.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int negative(int code)
{
	if (code == 0)
		return -EIO;
	return code > 0 ? -code : code;
}

int error_format_(struct error *err, int code, bool with_errno, const char *fmt, ...)
{
	code = negative(code);
	if (!err)
		return code;

	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (with_errno && len >= 0 && (size_t)len < sizeof(err->text))
		snprintf(err->text + len, sizeof(err->text) - (size_t)len, ": %s", strerror(-code));
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
	int len = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (len >= 0 && (size_t)len < sizeof(err->text))
		snprintf(err->text + len, sizeof(err->text) - (size_t)len, ": %s", old);
	err->code = code;
	return code;
}
