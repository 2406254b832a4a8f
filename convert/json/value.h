/* SPDX-License-Identifier: MIT
 * Integers as people read them, in both directions: hex, devices, flags, names, addresses.
 */
#pragma once

#include <stdint.h>

#include "convert/json/emit.h"
#include "images/hints.h"

/**
 * One unsigned value in its pretty form; a plain number when the hint has none for it.
 * @param hint  NULL: a plain number
 */
void value_to_json(struct json_out *out, uint64_t value, const struct hint *hint);

/**
 * Any text value_to_json() writes for this hint, a decimal number, or 0x and hex digits.
 * @param negative  set for "-…": value is then the magnitude
 * @return 0 or -EINVAL
 */
int value_from_text(const char *text, const struct hint *hint, uint64_t *value, bool *negative);

/** 1 word: IPv4, 4 words: IPv6, each as a string; other counts as numbers. A whole array. */
void address_to_json(struct json_out *out, const uint32_t *words, size_t nr);
/** @return words stored, 1 or 4; -EINVAL. */
int address_from_text(const char *text, uint32_t words[4]);
