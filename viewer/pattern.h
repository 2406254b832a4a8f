/* SPDX-License-Identifier: MIT
 * Ways of saying which bytes are looked for.
 */
#pragma once

#include "convert/memory/search.h"

/** What they are called; end with NULL. */
extern const char *const pattern_modes[];
/** @param mode  of pattern_modes */
int pattern_typed(const char *text, size_t mode, struct pattern **out, struct error *err);
/** The option that says it to crit grep. */
const char *pattern_option(size_t mode);
