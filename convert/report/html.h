/* SPDX-License-Identifier: MIT
 * Writing HTML: what comes from a checkpoint is always escaped.
 */
#pragma once

#include <stdint.h>

#include "base/strbuf.h"
#include "convert/json/emit.h"

/* A failed write is remembered in out.error and all after it dropped: look at it at the end. */
struct html {
	struct json_out out; /* the buffer and its error */
	struct strbuf text;  /* scratch */
};

int html_init(struct html *h, int fd, const char *name, struct error *err);
int html_flush(struct html *h, struct error *err);
void html_fini(struct html *h);
#define auto_html __attribute__((cleanup(html_fini))) struct html

/** Markup of our own. */
void html_raw(struct html *h, const char *markup);
/** printf for markup of our own: arguments are numbers and words of ours, nothing else. */
void html_rawf(struct html *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/**
 * Any bytes as text or inside a quoted attribute: markup is escaped, control bytes and what is no
 * UTF-8 are shown as \xNN. NULL is shown as a dash.
 */
void html_text(struct html *h, const char *s);

/** "12.3 MiB" */
void html_size(struct html *h, uint64_t bytes);

/** Cells of a table. */
void html_cell(struct html *h, const char *s);
/** The same of what may be long: it goes on in the next line. */
void html_cell_long(struct html *h, const char *s);
/** A dash where a number would be. */
void html_cell_no_number(struct html *h);
void html_cell_number(struct html *h, uint64_t value);
void html_cell_size(struct html *h, uint64_t bytes);
