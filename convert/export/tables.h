/* SPDX-License-Identifier: MIT
 * The tables of an export: their columns, said once for SQL, NDJSON and the documentation's check.
 */
#pragma once

#include <stddef.h>

enum export_table_id {
	TABLE_CHECKPOINTS,
	TABLE_PROCESSES,
	TABLE_THREADS,
	TABLE_VMAS,
	TABLE_DESCRIPTORS,
	TABLE_FILES,
	TABLE_SOCKETS,
	TABLE_MOUNTS,
	TABLE_NAMESPACES,
	TABLE_ENVIRONMENT,
	NR_EXPORT_TABLES
};

enum column_type { COL_INTEGER, COL_TEXT, COL_BOOLEAN };

struct export_column {
	const char *name;
	enum column_type type;
};

enum { EXPORT_COLUMNS_MAX = 24 };

struct export_table {
	const char *name;
	struct export_column columns[EXPORT_COLUMNS_MAX]; /* ends with a NULL name */
};

extern const struct export_table export_tables[NR_EXPORT_TABLES];

/** Columns of a table: its own, behind "checkpoint", which every table has first. */
size_t export_table_columns(enum export_table_id id);
