/* SPDX-License-Identifier: MIT
 * Characters and the bytes they are written in.
 */
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

size_t utf8_decode(const char *s, size_t left, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	if (u[0] < 0x80) {
		*out = u[0];
		return 1;
	}
	size_t len = (u[0] & 0xe0) == 0xc0   ? 2
		     : (u[0] & 0xf0) == 0xe0 ? 3
		     : (u[0] & 0xf8) == 0xf0 ? 4
					     : 0;
	if (!len || len > left)
		return 0;
	uint32_t value = u[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (u[i] & 0x3fu);
	}
	if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	*out = value;
	return len;
}

size_t utf8_encode(uint32_t ch, char *out)
{
	if (ch < 0x80) {
		out[0] = (char)ch;
		return 1;
	}
	size_t len = ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;
	for (size_t i = len; i-- > 1; ch >>= 6)
		out[i] = (char)(0x80 | (ch & 0x3f));
	out[0] = (char)((0xf00u >> len & 0xff) | ch);
	return len;
}

bool utf8_is_control(uint32_t ch)
{
	return ch < 0x20 || (ch >= 0x7f && ch < 0xa0) || (ch >= 0x2028 && ch <= 0x202e) ||
	       (ch >= 0x2066 && ch <= 0x2069);
}

size_t utf8_shown(const char *s, size_t left)
{
	uint32_t ch;
	size_t len = utf8_decode(s, left, &ch);
	return len && !utf8_is_control(ch) ? len : 0;
}

size_t utf8_show(const char *s, size_t len, char *out, size_t size)
{
	size_t done = 0;
	for (size_t i = 0; i < len;) {
		char hex[8];
		size_t n = utf8_shown(s + i, len - i);
		size_t takes = n ? n : (size_t)snprintf(hex, sizeof(hex), "\\x%02x", s[i] & 0xffu);
		if (size - done <= takes)
			break;
		memcpy(out + done, n ? s + i : hex, takes);
		done += takes;
		i += n ? n : 1;
	}
	out[done] = '\0';
	return done;
}
