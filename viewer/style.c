/* SPDX-License-Identifier: MIT
 * Looks of styles.
 */
#include "viewer/style.h"

#include <stdlib.h>

const char *const theme_names[NR_THEMES] = { "dark", "light", "mono" };

static const struct {
	uint8_t attr, mono;
	int32_t fg[2], bg[2]; /* dark, light */
	int8_t fg16[2], bg16[2];
} looks[NR_STYLES] = {
#define STYLE(name, attr, mono, df, db, lf, lb, df16, db16, lf16, lb16)                            \
	[ST_##name] = { attr, mono, { df, lf }, { db, lb }, { df16, lf16 }, { db16, lb16 } },
#include "viewer/style.def"
#undef STYLE
};

struct look style_look(enum theme theme, enum style style, enum style base)
{
	if (theme == THEME_MONO)
		return (struct look){ looks[style].mono | looks[base].mono, -1, -1, -1, -1 };
	struct look look = { looks[style].attr, looks[style].fg[theme], looks[style].bg[theme],
			     looks[style].fg16[theme], looks[style].bg16[theme] };
	if (base == ST_NORMAL)
		return look;
	look.bg = looks[base].bg[theme];
	look.bg16 = looks[base].bg16[theme];
	/* of 16 colours few can be read on any background */
	look.fg16 = looks[base].fg16[theme];
	if (looks[base].fg[theme] >= 0)
		look.fg = looks[base].fg[theme];
	return look;
}

/* Steps of the colour cube. */
static int cube_step(int value)
{
	return value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40;
}

int color_256(int32_t rgb)
{
	static const int steps[] = { 0, 95, 135, 175, 215, 255 };
	int part[3] = { rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff };
	int cube[3], off_cube = 0, off_grey = 0;
	int grey = (part[0] + part[1] + part[2]) / 3;
	int grey_at = grey < 8 ? 0 : grey > 238 ? 23 : (grey - 3) / 10;
	for (int i = 0; i < 3; i++) {
		cube[i] = cube_step(part[i]);
		off_cube += abs(steps[cube[i]] - part[i]);
		off_grey += abs(8 + 10 * grey_at - part[i]);
	}
	return off_grey < off_cube ? 232 + grey_at : 16 + 36 * cube[0] + 6 * cube[1] + cube[2];
}
