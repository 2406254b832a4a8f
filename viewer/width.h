/* SPDX-License-Identifier: MIT
 * Characters as a terminal counts them, the same in every locale.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Cells of a code point: 0 (combining), 1 or 2. */
int char_width(uint32_t ch);
/**
 * The code point at s; a byte that is no UTF-8 counts as U+FFFD.
 * @return its length in bytes, at least 1
 */
size_t char_decode(const char *s, size_t left, uint32_t *ch);
/** Cells of a text. */
size_t text_width(const char *s, size_t len);
