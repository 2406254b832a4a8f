/* SPDX-License-Identifier: MIT
 * Where rows of an export go: a SQLite database or NDJSON lines.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "convert/export/tables.h"

/*
 * A row is begun, its values come in the order of the table's columns, and it is ended. A failure
 * is remembered and everything after it dropped: only row_end() needs checking.
 */
struct row_writer;

struct row_writer_ops {
	void (*begin)(struct row_writer *w, enum export_table_id table);
	void (*integer)(struct row_writer *w, const struct export_column *column, uint64_t value,
			bool negative);
	void (*text)(struct row_writer *w, const struct export_column *column, const char *bytes,
		     size_t len);
	void (*null)(struct row_writer *w, const struct export_column *column);
	int (*end)(struct row_writer *w, struct error *err);
	/** Everything was written. */
	int (*commit)(struct row_writer *w, struct error *err);
	void (*close)(struct row_writer *w);
};

struct row_writer {
	const struct row_writer_ops *ops;
	enum export_table_id table;
	size_t column; /* of the next value */
	uint64_t checkpoint;
};

/** Begin a row; its first column, the number of the checkpoint, is written. */
void row_begin(struct row_writer *w, enum export_table_id table);
void row_u64(struct row_writer *w, uint64_t value);
void row_i64(struct row_writer *w, int64_t value);
void row_bool(struct row_writer *w, bool value);
/** NULL: no value */
void row_str(struct row_writer *w, const char *value);
void row_bytes(struct row_writer *w, const char *bytes, size_t len);
void row_strf(struct row_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void row_null(struct row_writer *w);
/** The value when `has`, else none. */
void row_optional(struct row_writer *w, bool has, uint64_t value);
/** @return 0; the first failure since the row began */
int row_end(struct row_writer *w, struct error *err);

int row_writer_commit(struct row_writer *w, struct error *err);
/** What was not committed is removed. w may be NULL. */
void row_writer_close(struct row_writer *w);

/** A database that replaces `path` when it is committed. Loads libsqlite3. */
int sqlite_writer_open(const char *path, struct row_writer **out, struct error *err);
/** @param fd  borrowed; @param name  of the output, for messages */
int ndjson_writer_open(int fd, const char *name, struct row_writer **out, struct error *err);

static inline void row_writer_cleanup_(struct row_writer **w)
{
	row_writer_close(*w);
}
#define auto_row_writer __attribute__((cleanup(row_writer_cleanup_))) struct row_writer *
