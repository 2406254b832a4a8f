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
/** Length of the character at s. @return 0: none, or a control: it is not shown as it is */
size_t utf8_shown(const char *s, size_t left);
/**
 * Text to be shown as one line: each byte of what is not shown as it is becomes \xHH.
 * @param out  `size` bytes; holds whole characters and a NUL; @return bytes before that
 */
size_t utf8_show(const char *s, size_t len, char *out, size_t size);
