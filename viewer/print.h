/* SPDX-License-Identifier: MIT
 * A screen on paper: as text, or as a picture.
 */
#pragma once

#include "base/strbuf.h"
#include "viewer/canvas.h"

/** Lines without blanks at their ends. @return 0 or -ENOMEM */
int canvas_to_text(const struct canvas *c, struct strbuf *out);
/** SVG with the colours of a theme (of THEME_MONO: black on white). */
int canvas_to_svg(const struct canvas *c, enum theme theme, struct strbuf *out);
