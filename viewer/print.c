/* SPDX-License-Identifier: MIT
 * Screens as text and as SVG.
 */
#include "viewer/print.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { CELL_WIDTH = 8, CELL_HEIGHT = 17, BASE_LINE = 13, MARGIN = 8 };

static int char_add(uint32_t ch, struct strbuf *out)
{
	char utf8[4];
	return strbuf_add(out, utf8, utf8_encode(ch, utf8));
}

int canvas_to_text(const struct canvas *c, struct strbuf *out)
{
	int rc = 0;
	for (int y = 0; rc == 0 && y < c->height; y++) {
		const struct cell *row = &c->cells[(size_t)y * (size_t)c->width];
		int end = c->width;
		while (end && row[end - 1].ch == ' ')
			end--;
		for (int x = 0; rc == 0 && x < end; x++) {
			if (row[x].ch)
				rc = char_add(row[x].ch, out);
			if (rc == 0 && row[x].mark)
				rc = char_add(row[x].mark, out);
		}
		if (rc == 0)
			rc = strbuf_char(out, '\n');
	}
	return rc;
}

static const struct {
	int32_t fg, bg;
} own_colors[NR_THEMES] = {
	[THEME_DARK] = { 0xd4d4d4, 0x1a1b1e },
	[THEME_LIGHT] = { 0x1f1f1f, 0xfdfdfd },
	[THEME_MONO] = { 0x000000, 0xffffff },
};

static struct look look_of(const struct cell *cell, enum theme theme)
{
	struct look look = style_look(theme, cell->style, cell->base);
	look.fg = look.fg < 0 ? own_colors[theme].fg : look.fg;
	look.bg = look.bg < 0 ? own_colors[theme].bg : look.bg;
	if (look.attr & LOOK_REVERSE) {
		int32_t fg = look.fg;
		look.fg = look.bg;
		look.bg = fg;
	}
	look.fg16 = look.bg16 = 0;
	return look;
}

static bool same_look(const struct look *a, const struct look *b)
{
	return a->fg == b->fg && a->bg == b->bg && a->attr == b->attr;
}

static int xml_add(uint32_t ch, struct strbuf *out)
{
	switch (ch) {
	case '<':
		return strbuf_str(out, "&lt;");
	case '&':
		return strbuf_str(out, "&amp;");
	default:
		return char_add(ch, out);
	}
}

/* Cells [from, to) of one look, none of them blank, so that all stand where they should in any
 * font. */
static int word_to_svg(const struct cell *row, int y, int from, int to, const struct look *look,
		       struct strbuf *out)
{
	int rc = strbuf_printf(out, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" fill=\"#%06x\"%s%s>",
			       MARGIN + from * CELL_WIDTH, MARGIN + y * CELL_HEIGHT + BASE_LINE,
			       (to - from) * CELL_WIDTH, (unsigned)look->fg,
			       look->attr & LOOK_BOLD ? " font-weight=\"bold\"" : "",
			       look->attr & LOOK_UNDER ? " text-decoration=\"underline\"" : "");
	for (int x = from; rc == 0 && x < to; x++) {
		if (row[x].ch)
			rc = xml_add(row[x].ch, out);
		if (rc == 0 && row[x].mark)
			rc = char_add(row[x].mark, out);
	}
	return rc < 0 ? rc : strbuf_str(out, "</text>\n");
}

/* Cells [from, to) of one look. */
static int run_to_svg(const struct cell *row, int y, int from, int to, const struct look *look,
		      int32_t paper, struct strbuf *out)
{
	int rc = 0;
	if (look->bg != paper)
		rc = strbuf_printf(out,
				   "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
				   "fill=\"#%06x\"/>\n",
				   MARGIN + from * CELL_WIDTH, MARGIN + y * CELL_HEIGHT,
				   (to - from) * CELL_WIDTH, CELL_HEIGHT, (unsigned)look->bg);
	for (int x = from; rc == 0 && x < to; x++) {
		int start = x;
		while (x < to && row[x].ch != ' ')
			x++;
		if (x > start)
			rc = word_to_svg(row, y, start, x, look, out);
	}
	return rc;
}

int canvas_to_svg(const struct canvas *c, enum theme theme, struct strbuf *out)
{
	int width = c->width * CELL_WIDTH + 2 * MARGIN;
	int height = c->height * CELL_HEIGHT + 2 * MARGIN;
	int32_t paper = own_colors[theme].bg;
	int rc = strbuf_printf(
	    out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
	    "viewBox=\"0 0 %d %d\">\n"
	    "<rect width=\"100%%\" height=\"100%%\" rx=\"6\" fill=\"#%06x\"/>\n"
	    "<g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\" "
	    "lengthAdjust=\"spacingAndGlyphs\">\n",
	    width, height, width, height, (unsigned)paper);
	for (int y = 0; rc == 0 && y < c->height; y++) {
		const struct cell *row = &c->cells[(size_t)y * (size_t)c->width];
		for (int x = 0, from = 0; rc == 0 && x < c->width; x++) {
			struct look look = look_of(&row[from], theme);
			struct look next = x + 1 < c->width ? look_of(&row[x + 1], theme) : look;
			if (x + 1 < c->width && same_look(&look, &next))
				continue;
			rc = run_to_svg(row, y, from, x + 1, &look, paper, out);
			from = x + 1;
		}
	}
	return rc < 0 ? rc : strbuf_str(out, "</g>\n</svg>\n");
}
