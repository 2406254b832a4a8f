/* SPDX-License-Identifier: MIT
 * What a command has to say, said once: printed as text for people or as JSON for programs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"

/*
 * A document is written as a stream of objects, lists, tables and values. JSON takes `key`; text
 * takes `title` (NULL: not shown as text). Inside a table, values are the cells of a row in the
 * order of its columns, and key and title are NULL.
 *
 * A table in text is aligned by its first rows (512), which are held back; later rows follow at
 * once, so that a document of any length takes bounded memory. Text shows control characters as
 * \xNN: no name can steer a terminal.
 *
 * A failed write is remembered and everything after it dropped: only doc_close() needs checking.
 */
struct doc;

enum doc_format { DOC_TEXT, DOC_JSON };

/** For the options of a command: "text", "json". @return 0 or -EINVAL. */
int doc_format_parse(const char *name, enum doc_format *out, struct error *err);

/**
 * The document is an object.
 * @param fd  borrowed; @param name  of the output, for messages
 */
int doc_open(int fd, const char *name, enum doc_format format, struct doc **out, struct error *err);
/** End it, write what is left, release. @return 0 or the first failure. doc may be NULL. */
int doc_close(struct doc *doc, struct error *err);
bool doc_is_text(const struct doc *doc);
/** Whether writing has failed: a reason to end a long walk. */
bool doc_failed(const struct doc *doc);

/** In text: a line "TITLE" and what is inside indented below it, "TITLE: none" when there is
 *  nothing; without a title, neither. */
void doc_object(struct doc *doc, const char *key, const char *title);
void doc_list(struct doc *doc, const char *key, const char *title);
void doc_end(struct doc *doc);

enum doc_align { DOC_LEFT, DOC_RIGHT };
struct doc_column {
	const char *key;   /* member of each row's object; NULL: not in JSON */
	const char *title; /* heading; NULL: not in text */
	enum doc_align align;
};
/** @param columns  borrowed until doc_end(). In JSON a list of objects. */
void doc_table(struct doc *doc, const char *key, const char *title,
	       const struct doc_column *columns, size_t nr);
void doc_row(struct doc *doc);

/* Values: a member, an item of a list, or a cell. In text "Title: value". */
void doc_str(struct doc *doc, const char *key, const char *title,
	     const char *value); /* NULL: none */
void doc_bytes(struct doc *doc, const char *key, const char *title, const void *bytes, size_t len);
void doc_strf(struct doc *doc, const char *key, const char *title, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void doc_u64(struct doc *doc, const char *key, const char *title, uint64_t value);
void doc_i64(struct doc *doc, const char *key, const char *title, int64_t value);
/** JSON: "0x1f" as a string; text: 0x1f. */
void doc_hex(struct doc *doc, const char *key, const char *title, uint64_t value);
/** JSON: the number of bytes; text: "12.3 MiB". */
void doc_size(struct doc *doc, const char *key, const char *title, uint64_t bytes);
void doc_bool(struct doc *doc, const char *key, const char *title, bool value); /* yes, no */
void doc_none(struct doc *doc, const char *key, const char *title);             /* null, "-" */
/** A cell whose text is indented by `depth` steps of a tree. */
void doc_tree_cell(struct doc *doc, unsigned depth, const char *value);

/** Only in text: a line as it is, after escaping. */
void doc_text(struct doc *doc, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline void doc_cleanup_(struct doc **doc)
{
	doc_close(*doc, NULL);
}
#define auto_doc __attribute__((cleanup(doc_cleanup_))) struct doc *
