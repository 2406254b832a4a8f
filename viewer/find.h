/* SPDX-License-Identifier: MIT
 * Finding bytes and texts in memory, of a process or of all.
 */
#pragma once

#include "convert/memory/search.h"
#include "viewer/view.h"

/** Ways of saying what to look for; end with NULL. */
extern const char *const pattern_modes[];
/** @param mode  of pattern_modes */
int pattern_typed(const char *text, size_t mode, struct pattern **out, struct error *err);

/** Ask what to find, then list where it is. */
void find_ask(struct view *v);
/** List printable texts, of the view's process or of all. */
void strings_ask(struct view *v);
