/* SPDX-License-Identifier: MIT
 * The page as a whole.
 */
#include "convert/report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "convert/inspect/inspect.h"
#include "convert/report/assets.h"
#include "convert/report/parts.h"
#include "images/damage.h"

/* Nothing may be loaded from anywhere, whatever stands in the page. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>";

static const char navigation[] =
    "<nav aria-label=\"Sections\"><a href=\"#overview\">Overview</a>"
    "<a href=\"#processes\">Processes</a><a href=\"#memory\">Memory</a>"
    "<a href=\"#files\">Descriptors</a><a href=\"#sockets\">Sockets</a>"
    "<a href=\"#mounts\">Mounts</a><a href=\"#environment\">Environment</a>"
    "<button type=\"button\" id=\"theme\" title=\"Light or dark\">◐</button></nav>\n";

bool report_has(const struct report *r, const struct process *p)
{
	return process_is_below(p, r->only);
}

int report_each(struct report *r,
		int (*row)(struct report *r, const struct process *p, void *arg, struct error *err),
		void *arg, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(r->cp); i++) {
		const struct process *p = checkpoint_process(r->cp, i);
		if (report_has(r, p))
			rc = row(r, p, arg, err);
	}
	return rc;
}

void report_section(struct report *r, const char *id, const char *title)
{
	html_rawf(&r->h, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

void report_section_end(struct report *r)
{
	html_raw(&r->h, "</tbody></table></div>\n</section>\n");
}

void report_red(struct report *r, uint32_t pid, unsigned columns, const char *text)
{
	html_raw(&r->h, "<tr class=\"damaged\"");
	if (pid)
		html_rawf(&r->h, " data-pid=\"%" PRIu32 "\"><td class=\"n\">%" PRIu32 "</td>", pid,
			  pid);
	html_rawf(&r->h, "%s<td class=\"wrap\" colspan=\"%u\">", pid ? "" : ">",
		  pid ? columns - 1 : columns);
	html_text(&r->h, text);
	html_raw(&r->h, "</td></tr>\n");
}

size_t report_mark(const struct report *r)
{
	return damage_mark(checkpoint_source(r->cp));
}

int report_damaged(struct report *r, uint32_t pid, unsigned columns, size_t mark, int rc,
		   const struct error *why, struct error *err)
{
	struct source *src = checkpoint_source(r->cp);
	/* what is missing is asked for because another image leads to it */
	if (rc < 0 && !damage_noted(src, rc == -ENOENT ? -EBADMSG : rc, why))
		return error_set(err, rc, "%s", why->text);
	const struct error *damage = damage_since(src, mark);
	if (damage)
		report_red(r, pid, columns, damage->text);
	return 0;
}

void report_table(struct report *r, const char *class, const char *const *titles, size_t nr)
{
	html_rawf(&r->h, "<div class=\"scroll\"><table class=\"%s\"><thead><tr>", class);
	for (size_t i = 0; i < nr; i++) {
		bool number = titles[i][0] == '>';
		html_rawf(&r->h, number ? "<th class=\"n\">%s</th>" : "<th>%s</th>",
			  titles[i] + number);
	}
	html_raw(&r->h, "</tr></thead>\n<tbody>\n");
}

int report_write(struct checkpoint *cp, const struct process *only, int fd, const char *name,
		 struct error *err)
{
	static int (*const parts[])(struct report * r, struct error * err) = {
		report_overview, report_processes, report_memory,
		report_files,    report_mounts,    report_environment,
	};
	struct report r = { .cp = cp, .only = only };
	int rc = html_init(&r.h, fd, name, err);
	if (rc < 0)
		return rc;
	html_raw(&r.h, head);
	html_text(&r.h, source_name(checkpoint_source(cp)));
	html_raw(&r.h, "</title>\n<style>\n");
	html_raw(&r.h, report_css);
	html_raw(&r.h, "</style>\n</head>\n<body>\n");
	html_raw(&r.h, navigation);
	html_raw(&r.h, "<main>\n");
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(parts); i++)
		rc = parts[i](&r, err);
	html_raw(&r.h, "</main>\n<div id=\"tip\" role=\"tooltip\" hidden></div>\n<script>\n");
	html_raw(&r.h, report_js);
	html_raw(&r.h, "</script>\n</body>\n</html>\n");
	if (rc == 0)
		rc = html_flush(&r.h, err);
	html_fini(&r.h);
	return rc;
}
