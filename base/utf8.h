/* SPDX-License-Identifier: MIT
 * UTF-8, strictly: no surrogates, nothing that could be shorter, nothing above U+10FFFF.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The character at s. @param left  bytes, at least 1; @return its length; 0: it is none */
size_t utf8_decode(const char *s, size_t left, uint32_t *out);
/** @param out  4 bytes; @return how many of them it takes */
size_t utf8_encode(uint32_t ch, char *out);
/** What a terminal takes for an order: controls (C0, DEL, C1), line ends, text direction. */
bool utf8_is_control(uint32_t ch);
