/* SPDX-License-Identifier: MIT
 * Finding bytes and texts in memory, of a process or of all.
 */
#pragma once

#include "viewer/view.h"

/** Ask what to find, then list where it is. */
void find_ask(struct view *v);
/** List printable texts, of the view's process or of all. */
void strings_ask(struct view *v);
