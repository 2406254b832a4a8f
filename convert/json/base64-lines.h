/* SPDX-License-Identifier: MIT
 * The quick part of base64: whole lines as they stand in JSON, and whole groups.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** A line: so many bytes become so many digits, and behind these stands \n as JSON writes it. */
#define BASE64_LINE_BYTES  57
#define BASE64_LINE_DIGITS 76
#define BASE64_LINE_TEXT   (BASE64_LINE_DIGITS + 2)

/* One way to do it. None looks at, or writes to, anything beyond what it was given. */
struct base64_way {
	void (*encode_lines)(const uint8_t *from, size_t nr, char *to);
	/** @param len  of text. @return whole lines decoded: up to where the text is no such line.
	 */
	size_t (*decode_lines)(const char *text, size_t len, uint8_t *to);
	/** Four digits each. @param to  may be the text itself. @return groups decoded */
	size_t (*decode_groups)(const char *text, size_t len, uint8_t *to);
};

/** In C that any machine runs. */
extern const struct base64_way base64_plain;
/** The quickest this machine has. */
const struct base64_way *base64_way(void);

/** What a digit stands for, 255 for any other character. */
uint8_t base64_value(char digit);
/** Three bytes to four digits. @return behind them */
char *base64_encode_group(const uint8_t *from, char *to);
