/* SPDX-License-Identifier: MIT
 * Names from images on a terminal.
 */
#include "crit/text.h"

#include <stdio.h>

void text_print(const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		if (*s < 0x20 || *s == 0x7f)
			printf("\\x%02x", *s);
		else
			putchar(*s);
	}
}
