/* SPDX-License-Identifier: MIT
 * A SQLite database with a table per kind of row, written beside its name and renamed.
 * Source: sqlite.org/c3ref; the library is loaded when the first database is made, its few
 * functions are declared here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/library.h"
#include "base/replace.h"
#include "base/strbuf.h"
#include "convert/export/writer.h"
#include "convert/json/emit.h"

#define SONAME "libsqlite3.so.0"

enum {
	SQLITE_DONE_CODE = 101,
	SQLITE_OPEN_RW_CREATE = 2 | 4,
	SQLITE_CONFIG_SINGLETHREAD = 1,
	SQLITE_CONFIG_PAGECACHE = 7,
	SQLITE_CONFIG_MEMSTATUS = 9,
};
#define SQLITE_COPY ((void (*)(void *))(intptr_t)-1) /* the value may change after the call */

struct sqlite3;
struct sqlite3_stmt;

struct libsqlite {
	int (*config)(int what, ...);
	int (*open_v2)(const char *path, struct sqlite3 **db, int flags, const char *vfs);
	int (*close)(struct sqlite3 *db);
	const char *(*errmsg)(struct sqlite3 *db);
	int (*exec)(struct sqlite3 *db, const char *sql, void *each, void *arg, char **message);
	int (*prepare_v2)(struct sqlite3 *db, const char *sql, int len, struct sqlite3_stmt **out,
			  const char **tail);
	int (*step)(struct sqlite3_stmt *stmt);
	int (*reset)(struct sqlite3_stmt *stmt);
	int (*finalize)(struct sqlite3_stmt *stmt);
	int (*bind_int64)(struct sqlite3_stmt *stmt, int at, long long value);
	int (*bind_null)(struct sqlite3_stmt *stmt, int at);
	int (*bind_text)(struct sqlite3_stmt *stmt, int at, const char *text, int len,
			 void (*done)(void *));
	int (*bind_blob)(struct sqlite3_stmt *stmt, int at, const void *bytes, int len,
			 void (*done)(void *));
};

static const struct library_symbol functions[] = {
#define F(name)                                                                                    \
	{                                                                                          \
		"sqlite3_" #name, offsetof(struct libsqlite, name)                                 \
	}
	F(config), F(open_v2),  F(close),      F(errmsg),    F(exec),      F(prepare_v2), F(step),
	F(reset),  F(finalize), F(bind_int64), F(bind_null), F(bind_text), F(bind_blob),
#undef F
};

struct sqlite_writer {
	struct row_writer base;
	struct libsqlite lib;
	struct sqlite3 *db;
	struct sqlite3_stmt *insert[NR_EXPORT_TABLES]; /* NULL until there is a row */
	struct replace file;
	bool failed; /* in the current row */
};

static int libsqlite_load(struct libsqlite *lib, struct error *err)
{
	return library_load(SONAME, "databases need SQLite", functions, ARRAY_SIZE(functions), lib,
			    err);
}

/* No locks, no statistics, and no pages set aside before any is used: that is time at the start. */
static void libsqlite_settle(const struct libsqlite *lib)
{
	lib->config(SQLITE_CONFIG_SINGLETHREAD);
	lib->config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	lib->config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int db_error(const struct sqlite_writer *w, struct error *err)
{
	return error_set(err, EIO, "%s: %s", w->file.path, w->lib.errmsg(w->db));
}

static bool insert_prepare(struct sqlite_writer *w, enum export_table_id id)
{
	auto_strbuf sql = { 0 };
	size_t nr = export_table_columns(id);
	if (w->insert[id])
		return true;
	int rc = strbuf_printf(&sql, "INSERT INTO %s VALUES (?", export_tables[id].name);
	for (size_t i = 1; rc == 0 && i < nr; i++)
		rc = strbuf_str(&sql, ", ?");
	if (rc == 0)
		rc = strbuf_str(&sql, ")");
	return rc == 0 && w->lib.prepare_v2(w->db, sql.data, -1, &w->insert[id], NULL) == 0;
}

static void sqlite_begin(struct row_writer *base, enum export_table_id table)
{
	struct sqlite_writer *w = (struct sqlite_writer *)base;
	w->failed = !insert_prepare(w, table);
}

/* The writer counts columns from 1 once next_column() has moved on: as SQLite does. */
static void sqlite_integer(struct row_writer *base, const struct export_column *column,
			   uint64_t value, bool negative)
{
	(void)column;
	(void)negative; /* two's complement: what is above 2^63 comes out negative */
	struct sqlite_writer *w = (struct sqlite_writer *)base;
	w->failed |=
	    w->lib.bind_int64(w->insert[base->table], (int)base->column, (long long)value) != 0;
}

static void sqlite_text(struct row_writer *base, const struct export_column *column,
			const char *bytes, size_t len)
{
	(void)column;
	struct sqlite_writer *w = (struct sqlite_writer *)base;
	struct sqlite3_stmt *stmt = w->insert[base->table];
	/* bytes that are no text go as a BLOB: readers expect UTF-8 of a TEXT */
	if (json_is_utf8(bytes, len))
		w->failed |=
		    w->lib.bind_text(stmt, (int)base->column, bytes, (int)len, SQLITE_COPY) != 0;
	else
		w->failed |=
		    w->lib.bind_blob(stmt, (int)base->column, bytes, (int)len, SQLITE_COPY) != 0;
}

static void sqlite_null(struct row_writer *base, const struct export_column *column)
{
	(void)column;
	struct sqlite_writer *w = (struct sqlite_writer *)base;
	w->failed |= w->lib.bind_null(w->insert[base->table], (int)base->column) != 0;
}

static int sqlite_end(struct row_writer *base, struct error *err)
{
	struct sqlite_writer *w = (struct sqlite_writer *)base;
	struct sqlite3_stmt *stmt = w->insert[base->table];
	if (w->failed || w->lib.step(stmt) != SQLITE_DONE_CODE || w->lib.reset(stmt) != 0)
		return db_error(w, err);
	return 0;
}

static int run(struct sqlite_writer *w, const char *sql, struct error *err)
{
	return w->lib.exec(w->db, sql, NULL, NULL, NULL) ? db_error(w, err) : 0;
}

static int sqlite_commit(struct row_writer *base, struct error *err)
{
	struct sqlite_writer *w = (struct sqlite_writer *)base;
	int rc = run(w, "COMMIT", err);
	return rc < 0 ? rc : replace_commit(&w->file, err);
}

static void sqlite_close(struct row_writer *base)
{
	struct sqlite_writer *w = (struct sqlite_writer *)base;
	for (size_t i = 0; i < NR_EXPORT_TABLES; i++) {
		if (w->insert[i])
			w->lib.finalize(w->insert[i]);
	}
	if (w->db)
		w->lib.close(w->db);
	replace_close(&w->file);
	free(w);
}

static const struct row_writer_ops sqlite_ops = {
	.begin = sqlite_begin,
	.integer = sqlite_integer,
	.text = sqlite_text,
	.null = sqlite_null,
	.end = sqlite_end,
	.commit = sqlite_commit,
	.close = sqlite_close,
};

static int table_sql(enum export_table_id id, struct strbuf *out)
{
	const struct export_table *table = &export_tables[id];
	size_t nr = export_table_columns(id);
	int rc = strbuf_printf(out, "CREATE TABLE %s (", table->name);
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		const struct export_column *column = &table->columns[i];
		/* quoted: "end" and "offset" are words of SQL */
		rc = strbuf_printf(out, "\"%s\" %s%s", column->name,
				   column->type == COL_TEXT ? "TEXT" : "INTEGER",
				   i + 1 < nr ? ", " : ");");
	}
	return rc;
}

static int tables_make(struct sqlite_writer *w, struct error *err)
{
	auto_strbuf sql = { 0 };
	int rc = 0;
	for (int i = 0; rc == 0 && i < NR_EXPORT_TABLES; i++)
		rc = table_sql((enum export_table_id)i, &sql);
	return rc < 0 ? error_set(err, rc, "out of memory") : run(w, sql.data, err);
}

int sqlite_writer_open(const char *path, struct row_writer **out, struct error *err)
{
	struct sqlite_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return error_set(err, ENOMEM, "out of memory");
	w->base.ops = &sqlite_ops;
	w->file.fd = -1;
	__attribute__((cleanup(row_writer_cleanup_))) struct row_writer *guard = &w->base;
	int rc = libsqlite_load(&w->lib, err);
	if (rc == 0)
		libsqlite_settle(&w->lib);
	if (rc == 0)
		rc = replace_open(path, &w->file, err);
	if (rc == 0 && !w->file.temp)
		rc = error_set(err, EINVAL, "%s: a database has to be a regular file", path);
	if (rc < 0)
		return rc;
	/* a new file that nobody sees until it is renamed: nothing to roll back to, or to sync */
	if (w->lib.open_v2(w->file.temp, &w->db, SQLITE_OPEN_RW_CREATE, NULL))
		return db_error(w, err);
	rc = run(w, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN", err);
	if (rc == 0)
		rc = tables_make(w, err);
	if (rc == 0)
		*out = take_ptr(guard);
	return rc;
}
