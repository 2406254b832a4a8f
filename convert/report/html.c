/* SPDX-License-Identifier: MIT
 * HTML as a stream.
 */
#include "convert/report/html.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "convert/doc/doc-text.h"

int html_init(struct html *h, int fd, const char *name, struct error *err)
{
	*h = (struct html){ 0 };
	return json_out_init(&h->out, fd, name, false, err);
}

int html_flush(struct html *h, struct error *err)
{
	return json_out_flush(&h->out, err);
}

void html_fini(struct html *h)
{
	json_out_fini(&h->out);
	strbuf_fini(&h->text);
}

void html_raw(struct html *h, const char *markup)
{
	json_raw(&h->out, markup, strlen(markup));
}

static void out_of_memory(struct html *h)
{
	if (!h->out.error)
		h->out.error = -ENOMEM;
}

void html_rawf(struct html *h, const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	html_raw(h, text);
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_text(struct html *h, const char *s)
{
	if (!s) {
		html_raw(h, "<span class=\"none\">–</span>");
		return;
	}
	strbuf_reset(&h->text);
	if (text_escape(s, strlen(s), &h->text) < 0) {
		out_of_memory(h);
		return;
	}
	const char *at = h->text.data ?: "";
	while (*at) {
		size_t plain = strcspn(at, "&<>\"'");
		json_raw(&h->out, at, plain);
		at += plain;
		if (*at)
			html_raw(h, entity(*at++));
	}
}

void html_size(struct html *h, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	html_rawf(h, unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void html_cell(struct html *h, const char *s)
{
	html_raw(h, "<td>");
	html_text(h, s);
	html_raw(h, "</td>");
}

void html_cell_long(struct html *h, const char *s)
{
	html_raw(h, "<td class=\"wrap\">");
	html_text(h, s);
	html_raw(h, "</td>");
}

void html_cell_no_number(struct html *h)
{
	html_raw(h, "<td class=\"n none\">–</td>");
}

void html_cell_number(struct html *h, uint64_t value)
{
	html_rawf(h, "<td class=\"n%s\">%" PRIu64 "</td>", value ? "" : " zero", value);
}

void html_cell_size(struct html *h, uint64_t bytes)
{
	html_rawf(h, "<td class=\"n%s\" data-v=\"%" PRIu64 "\">", bytes ? "" : " zero", bytes);
	html_size(h, bytes);
	html_raw(h, "</td>");
}
