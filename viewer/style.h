/* SPDX-License-Identifier: MIT
 * Styles: names for what things look like, and their looks by theme.
 */
#pragma once

#include <stdint.h>

enum style {
#define STYLE(name, ...) ST_##name,
#include "viewer/style.def"
#undef STYLE
	NR_STYLES
};

enum look_attr { LOOK_BOLD = 1, LOOK_UNDER = 2, LOOK_REVERSE = 4 };

enum theme { THEME_DARK, THEME_LIGHT, THEME_MONO, NR_THEMES };
extern const char *const theme_names[NR_THEMES];

struct look {
	uint8_t attr;
	int32_t fg, bg;    /* 0xRRGGBB; -1: the terminal's own */
	int8_t fg16, bg16; /* the same of 16 colours */
};

/**
 * How a cell looks.
 * @param base  SELECTED or MATCH lie below and give the background; NORMAL: nothing does
 */
struct look style_look(enum theme theme, enum style style, enum style base);

/** The nearest of the 240 colours every terminal with 256 has. */
int color_256(int32_t rgb);
