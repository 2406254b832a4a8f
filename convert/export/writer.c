/* SPDX-License-Identifier: MIT
 * Values of a row, handed to whatever writes them.
 */
#include "convert/export/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct export_column *next_column(struct row_writer *w)
{
	return &export_tables[w->table].columns[w->column++];
}

void row_begin(struct row_writer *w, enum export_table_id table)
{
	w->table = table;
	w->column = 0;
	w->ops->begin(w, table);
	row_u64(w, w->checkpoint);
}

void row_u64(struct row_writer *w, uint64_t value)
{
	w->ops->integer(w, next_column(w), value, false);
}

void row_i64(struct row_writer *w, int64_t value)
{
	w->ops->integer(w, next_column(w), (uint64_t)value, value < 0);
}

void row_bool(struct row_writer *w, bool value)
{
	row_u64(w, value);
}

void row_bytes(struct row_writer *w, const char *bytes, size_t len)
{
	w->ops->text(w, next_column(w), bytes, len);
}

void row_str(struct row_writer *w, const char *value)
{
	if (value)
		row_bytes(w, value, strlen(value));
	else
		row_null(w);
}

void row_strf(struct row_writer *w, const char *fmt, ...)
{
	char text[256];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	row_str(w, text);
}

void row_null(struct row_writer *w)
{
	w->ops->null(w, next_column(w));
}

void row_optional(struct row_writer *w, bool has, uint64_t value)
{
	if (has)
		row_u64(w, value);
	else
		row_null(w);
}

int row_end(struct row_writer *w, struct error *err)
{
	/* A row that is short of columns, or has too many, is a mistake of the program. */
	if (w->column != export_table_columns(w->table))
		return error_set(err, EINVAL, "table %s: %zu values for %zu columns",
				 export_tables[w->table].name, w->column,
				 export_table_columns(w->table));
	return w->ops->end(w, err);
}

int row_writer_commit(struct row_writer *w, struct error *err)
{
	return w->ops->commit(w, err);
}

void row_writer_close(struct row_writer *w)
{
	if (w)
		w->ops->close(w);
}
