/* SPDX-License-Identifier: MIT
 * Documents: the calls, the nesting, and the JSON side. doc-text.c lays out the text.
 */
#include "convert/doc/doc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/doc/doc-text.h"
#include "convert/json/emit.h"

enum { DOC_DEPTH_MAX = 16 };

enum level_kind { LEVEL_OBJECT, LEVEL_LIST, LEVEL_TABLE };

struct doc {
	enum doc_format format;
	struct json_out json;
	struct doc_text text;
	unsigned depth;
	struct level {
		enum level_kind kind;
		bool in_row, flat; /* flat: in text its contents are not indented */
	} levels[DOC_DEPTH_MAX];
	const struct doc_column *columns; /* of the table that is open */
	size_t nr_columns, column;
};

int doc_format_parse(const char *name, enum doc_format *out, struct error *err)
{
	if (!strcmp(name, "text"))
		*out = DOC_TEXT;
	else if (!strcmp(name, "json"))
		*out = DOC_JSON;
	else
		return error_set(err, EINVAL, "--format %s: no such format here", name);
	return 0;
}

int doc_open(int fd, const char *name, enum doc_format format, struct doc **out, struct error *err)
{
	auto_free struct doc *doc = calloc(1, sizeof(*doc));
	if (!doc)
		return error_set(err, ENOMEM, "out of memory");
	doc->format = format;
	int rc = json_out_init(&doc->json, fd, name, true, err);
	if (rc < 0)
		return rc;
	doc->text.out = &doc->json;
	if (format == DOC_JSON)
		json_begin(&doc->json, '{');
	*out = take_ptr(doc);
	return 0;
}

bool doc_is_text(const struct doc *doc)
{
	return doc->format == DOC_TEXT;
}

bool doc_failed(const struct doc *doc)
{
	return doc->json.error != 0;
}

static struct level *level_top(struct doc *doc)
{
	return &doc->levels[doc->depth];
}

static void row_end(struct doc *doc)
{
	if (!level_top(doc)->in_row)
		return;
	level_top(doc)->in_row = false;
	if (doc->format == DOC_JSON)
		json_end(&doc->json, '}');
	else
		text_row_end(&doc->text);
}

int doc_close(struct doc *doc, struct error *err)
{
	if (!doc)
		return 0;
	while (doc->depth)
		doc_end(doc);
	if (doc->format == DOC_JSON) {
		json_end(&doc->json, '}');
		json_raw(&doc->json, "\n", 1);
	}
	int rc = json_out_flush(&doc->json, err);
	json_out_fini(&doc->json);
	text_fini(&doc->text);
	free(doc);
	return rc;
}

static void level_push(struct doc *doc, enum level_kind kind)
{
	if (doc->depth + 1 < DOC_DEPTH_MAX)
		doc->depth++;
	else if (!doc->json.error)
		doc->json.error = -EOVERFLOW; /* a document nested by its data: none is */
	*level_top(doc) = (struct level){ .kind = kind };
}

static void container_begin(struct doc *doc, enum level_kind kind, const char *key,
			    const char *title)
{
	if (doc->format == DOC_JSON) {
		if (level_top(doc)->kind == LEVEL_OBJECT)
			json_key(&doc->json, key);
		json_begin(&doc->json, kind == LEVEL_OBJECT ? '{' : '[');
	}
	level_push(doc, kind);
	level_top(doc)->flat = !title && kind != LEVEL_TABLE;
	if (doc->format == DOC_TEXT && !level_top(doc)->flat)
		text_title(&doc->text, title);
}

void doc_object(struct doc *doc, const char *key, const char *title)
{
	container_begin(doc, LEVEL_OBJECT, key, title);
}

void doc_list(struct doc *doc, const char *key, const char *title)
{
	container_begin(doc, LEVEL_LIST, key, title);
}

void doc_table(struct doc *doc, const char *key, const char *title,
	       const struct doc_column *columns, size_t nr)
{
	container_begin(doc, LEVEL_TABLE, key, title);
	doc->columns = columns;
	doc->nr_columns = nr;
	if (doc->format == DOC_TEXT)
		text_table_begin(&doc->text, columns, nr);
}

void doc_end(struct doc *doc)
{
	enum level_kind kind = level_top(doc)->kind;
	bool flat = level_top(doc)->flat;
	row_end(doc);
	if (!doc->depth)
		return;
	doc->depth--;
	if (doc->format == DOC_JSON) {
		json_end(&doc->json, kind == LEVEL_OBJECT ? '}' : ']');
		return;
	}
	if (kind == LEVEL_TABLE)
		text_table_end(&doc->text);
	if (!flat)
		text_title_end(&doc->text);
}

void doc_row(struct doc *doc)
{
	row_end(doc);
	level_top(doc)->in_row = true;
	doc->column = 0;
	if (doc->format == DOC_JSON)
		json_begin(&doc->json, '{');
}

/*
 * Where the next value goes. @return whether it is printed at all: a column may be for one of the
 * two formats only, and a value without a title is not in text.
 */
static bool value_begin(struct doc *doc, const char *key, const char *title)
{
	const struct level *level = level_top(doc);
	if (level->kind == LEVEL_TABLE) {
		if (!level->in_row || doc->column >= doc->nr_columns)
			return false;
		const struct doc_column *column = &doc->columns[doc->column++];
		key = column->key;
		title = column->title;
	} else if (level->kind == LEVEL_LIST) {
		return true;
	}
	if (doc->format == DOC_TEXT)
		return title != NULL;
	if (key)
		json_key(&doc->json, key);
	return key != NULL;
}

static void value_text(struct doc *doc, const char *title, const void *bytes, size_t len)
{
	if (level_top(doc)->kind == LEVEL_TABLE)
		text_cell(&doc->text, bytes, len);
	else
		text_line(&doc->text, level_top(doc)->kind == LEVEL_LIST ? NULL : title, bytes,
			  len);
}

void doc_bytes(struct doc *doc, const char *key, const char *title, const void *bytes, size_t len)
{
	if (!value_begin(doc, key, title))
		return;
	if (doc->format == DOC_JSON)
		json_bytes(&doc->json, bytes, len);
	else
		value_text(doc, title, bytes, len);
}

void doc_str(struct doc *doc, const char *key, const char *title, const char *value)
{
	if (value)
		doc_bytes(doc, key, title, value, strlen(value));
	else
		doc_none(doc, key, title);
}

/* @return NULL: no memory, which the document remembers */
static char *dup_text(struct doc *doc, const char *fmt, va_list ap)
{
	char *text;
	if (vasprintf(&text, fmt, ap) >= 0)
		return text;
	doc->json.error = doc->json.error ?: -ENOMEM;
	return NULL;
}

void doc_strf(struct doc *doc, const char *key, const char *title, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	auto_free char *text = dup_text(doc, fmt, ap);
	va_end(ap);
	if (text)
		doc_bytes(doc, key, title, text, strlen(text));
}

/* A value whose JSON was not a string: its text. */
static void short_text(struct doc *doc, const char *title, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void short_text(struct doc *doc, const char *title, const char *fmt, ...)
{
	char text[64];
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	value_text(doc, title, text, (size_t)len);
}

void doc_u64(struct doc *doc, const char *key, const char *title, uint64_t value)
{
	if (!value_begin(doc, key, title))
		return;
	if (doc->format == DOC_JSON)
		json_u64(&doc->json, value);
	else
		short_text(doc, title, "%" PRIu64, value);
}

void doc_i64(struct doc *doc, const char *key, const char *title, int64_t value)
{
	if (!value_begin(doc, key, title))
		return;
	if (doc->format == DOC_JSON)
		json_i64(&doc->json, value);
	else
		short_text(doc, title, "%" PRId64, value);
}

void doc_hex(struct doc *doc, const char *key, const char *title, uint64_t value)
{
	if (!value_begin(doc, key, title))
		return;
	if (doc->format == DOC_JSON)
		json_strf(&doc->json, "%#" PRIx64, value);
	else
		short_text(doc, title, "%#" PRIx64, value);
}

void doc_size(struct doc *doc, const char *key, const char *title, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	if (!value_begin(doc, key, title))
		return;
	if (doc->format == DOC_JSON) {
		json_u64(&doc->json, bytes);
		return;
	}
	if (bytes < 1024) {
		short_text(doc, title, "%" PRIu64 " B", bytes);
		return;
	}
	double size = (double)bytes / 1024;
	unsigned unit = 0;
	for (; size >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		size /= 1024;
	short_text(doc, title, "%.1f %s", size, units[unit]);
}

void doc_bool(struct doc *doc, const char *key, const char *title, bool value)
{
	if (!value_begin(doc, key, title))
		return;
	if (doc->format == DOC_JSON)
		json_bool(&doc->json, value);
	else
		short_text(doc, title, "%s", value ? "yes" : "no");
}

void doc_none(struct doc *doc, const char *key, const char *title)
{
	if (!value_begin(doc, key, title))
		return;
	if (doc->format == DOC_JSON)
		json_null(&doc->json);
	else
		short_text(doc, title, "-");
}

void doc_tree_cell(struct doc *doc, unsigned depth, const char *value)
{
	if (doc->format == DOC_JSON)
		doc_str(doc, NULL, NULL, value);
	else if (value_begin(doc, NULL, NULL))
		text_tree_cell(&doc->text, depth, value);
}

void doc_text(struct doc *doc, const char *fmt, ...)
{
	if (doc->format != DOC_TEXT)
		return;
	va_list ap;
	va_start(ap, fmt);
	auto_free char *text = dup_text(doc, fmt, ap);
	va_end(ap);
	if (text)
		text_line(&doc->text, NULL, text, strlen(text));
}
