/* SPDX-License-Identifier: MIT
 * Makes the database that `crit export --sqlite` begins with: its tables, and nothing in them.
 * Making tables takes SQLite longer than filling those of a small checkpoint does. export-template
 * FILE
 */
#include <sqlite3.h>
#include <stdio.h>

#include "base/strbuf.h"
#include "convert/export/tables.h"

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

int main(int argc, char **argv)
{
	auto_strbuf sql = { 0 };
	sqlite3 *db;
	int rc = argc == 2 ? strbuf_str(&sql, "BEGIN;") : -1;
	for (int i = 0; rc == 0 && i < NR_EXPORT_TABLES; i++)
		rc = table_sql((enum export_table_id)i, &sql);
	if (rc == 0)
		rc = strbuf_str(&sql, "COMMIT;");
	if (rc < 0) {
		fprintf(stderr, "export-template: want FILE, and some memory\n");
		return 1;
	}
	if (sqlite3_open(argv[1], &db) || sqlite3_exec(db, sql.data, NULL, NULL, NULL)) {
		fprintf(stderr, "export-template: %s: %s\n", argv[1], sqlite3_errmsg(db));
		return 1;
	}
	return sqlite3_close(db) != SQLITE_OK;
}
