/* SPDX-License-Identifier: MIT
 * Bytes as lines of 16: address, numbers, characters.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/progress.h"

enum { HEXDUMP_LINE = 16 };

/* Zeroed but for the first two. */
struct hexdump {
	FILE *to;
	struct progress *progress; /* borrowed; NULL: nobody watches, or `to` is the terminal */
	unsigned char last[HEXDUMP_LINE];
	bool have_last, starred; /* cleared have_last: the next line is printed whatever it is */
};

/** Repeated lines stand there once, then "*". @param len  a multiple of 16 but for the last ones */
void hexdump_bytes(struct hexdump *h, uint64_t addr, const unsigned char *bytes, size_t len);
