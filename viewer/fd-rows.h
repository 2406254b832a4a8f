/* SPDX-License-Identifier: MIT
 * Descriptors of many processes as rows: a table that processes share is kept once.
 */
#pragma once

#include "files.pb-c.h"
#include "images/checkpoint.h"

enum { FD_ENTRIES_MAX = 1 << 21 }; /* that are kept, 16 bytes each */

struct fd_entry {
	uint32_t fd, flags, id;
	FdTypes type;
};

struct fd_rows {
	struct {
		struct fd_entry *items;
		size_t nr, cap;
	} entries;
	struct {
		struct fd_table {
			uint32_t number;  /* in the name of its image */
			size_t start, nr; /* of its entries */
		} * items;
		size_t nr, cap;
	} tables;
	struct {
		struct fd_part { /* the rows of a process */
			const struct process *process;
			size_t table;
			size_t end; /* of its rows, counted through */
		} * items;
		size_t nr, cap;
	} parts;
};

void fd_rows_fini(struct fd_rows *rows);

/**
 * The next process, with a table of this number.
 * @return 1 its rows are there, as the table is known; 0 fd_rows_add() is to fill it; -ENOMEM
 */
int fd_rows_begin(struct fd_rows *rows, const struct process *p, uint32_t number);
/** One more of the table that was begun last. @return 0; -EFBIG: there are too many; -ENOMEM */
int fd_rows_add(struct fd_rows *rows, const struct fd_entry *entry);

size_t fd_rows_count(const struct fd_rows *rows);
/** @return the entry of row i, borrowed until the next is added. @param process  whose it is */
const struct fd_entry *fd_rows_at(const struct fd_rows *rows, size_t i,
				  const struct process **process);
