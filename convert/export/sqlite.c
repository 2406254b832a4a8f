/* SPDX-License-Identifier: MIT
 * A SQLite database with a table per kind of row, written beside its name and renamed.
 * Source: sqlite.org/c3ref.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/replace.h"
#include "base/strbuf.h"
#include "convert/export/writer.h"
#include "convert/json/emit.h"

/* Its tables, empty: what export-template made when this was built. */
__asm__(".pushsection .rodata\n"
	"export_template:\n"
	".incbin \"export-template.db\"\n"
	"export_template_end:\n"
	".popsection\n");
extern const char export_template[], export_template_end[];

struct sqlite_writer {
	struct row_writer base;
	sqlite3 *db;
	sqlite3_stmt *insert[NR_EXPORT_TABLES]; /* NULL until there is a row */
	struct replace file;
	bool failed; /* in the current row */
};

/* No locks, no statistics, and no pages set aside before any is used: that is time at the start. */
static void sqlite_settle(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int db_error(const struct sqlite_writer *w, struct error *err)
{
	return error_set(err, EIO, "%s: %s", w->file.path, sqlite3_errmsg(w->db));
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
	return rc == 0 && sqlite3_prepare_v2(w->db, sql.data, -1, &w->insert[id], NULL) == 0;
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
	    sqlite3_bind_int64(w->insert[base->table], (int)base->column, (long long)value) != 0;
}

static void sqlite_text(struct row_writer *base, const struct export_column *column,
			const char *bytes, size_t len)
{
	(void)column;
	struct sqlite_writer *w = (struct sqlite_writer *)base;
	sqlite3_stmt *stmt = w->insert[base->table];
	/* bytes that are no text go as a BLOB: readers expect UTF-8 of a TEXT */
	if (json_is_utf8(bytes, len))
		w->failed |= sqlite3_bind_text(stmt, (int)base->column, bytes, (int)len,
					       SQLITE_TRANSIENT) != 0;
	else
		w->failed |= sqlite3_bind_blob(stmt, (int)base->column, bytes, (int)len,
					       SQLITE_TRANSIENT) != 0;
}

static void sqlite_null(struct row_writer *base, const struct export_column *column)
{
	(void)column;
	struct sqlite_writer *w = (struct sqlite_writer *)base;
	w->failed |= sqlite3_bind_null(w->insert[base->table], (int)base->column) != 0;
}

static int sqlite_end(struct row_writer *base, struct error *err)
{
	struct sqlite_writer *w = (struct sqlite_writer *)base;
	sqlite3_stmt *stmt = w->insert[base->table];
	if (w->failed || sqlite3_step(stmt) != SQLITE_DONE || sqlite3_reset(stmt) != 0)
		return db_error(w, err);
	return 0;
}

static int run(struct sqlite_writer *w, const char *sql, struct error *err)
{
	return sqlite3_exec(w->db, sql, NULL, NULL, NULL) ? db_error(w, err) : 0;
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
			sqlite3_finalize(w->insert[i]);
	}
	if (w->db)
		sqlite3_close(w->db);
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

static int begin_file(const struct sqlite_writer *w, struct error *err)
{
	size_t len = (size_t)(export_template_end - export_template);
	int rc = fd_write_full(w->file.fd, export_template, len);
	return rc < 0 ? error_code(err, rc, "write %s", w->file.path) : 0;
}

int sqlite_writer_open(const char *path, struct row_writer **out, struct error *err)
{
	struct sqlite_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return error_set(err, ENOMEM, "out of memory");
	w->base.ops = &sqlite_ops;
	w->file.fd = -1;
	__attribute__((cleanup(row_writer_cleanup_))) struct row_writer *guard = &w->base;
	sqlite_settle();
	int rc = replace_open(path, &w->file, err);
	if (rc == 0 && !w->file.temp)
		rc = error_set(err, EINVAL, "%s: a database has to be a regular file", path);
	if (rc == 0)
		rc = begin_file(w, err);
	if (rc < 0)
		return rc;
	/* a new file that nobody sees until it is renamed: nothing to lock, roll back to, or sync
	 */
	if (sqlite3_open_v2(w->file.temp, &w->db, SQLITE_OPEN_READWRITE, "unix-none"))
		return db_error(w, err);
	rc = run(w, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN", err);
	if (rc == 0)
		*out = take_ptr(guard);
	return rc;
}
