/* SPDX-License-Identifier: MIT
 * Descriptors of many processes as rows.
 */
#include "viewer/fd-rows.h"

#include <errno.h>

#include "base/array.h"

void fd_rows_fini(struct fd_rows *rows)
{
	free(rows->entries.items);
	free(rows->tables.items);
	free(rows->parts.items);
	*rows = (struct fd_rows){ 0 };
}

size_t fd_rows_count(const struct fd_rows *rows)
{
	return rows->parts.nr ? rows->parts.items[rows->parts.nr - 1].end : 0;
}

int fd_rows_begin(struct fd_rows *rows, const struct process *p, uint32_t number)
{
	size_t count = fd_rows_count(rows), at = 0;
	while (at < rows->tables.nr && rows->tables.items[at].number != number)
		at++;
	bool known = at < rows->tables.nr;
	struct fd_table *table = known ? &rows->tables.items[at] : array_add(&rows->tables);
	struct fd_part *part = table ? array_add(&rows->parts) : NULL;
	if (!part)
		return -ENOMEM;
	if (!known)
		*table = (struct fd_table){ number, rows->entries.nr, 0 };
	*part = (struct fd_part){ p, at, count + table->nr };
	return known;
}

int fd_rows_add(struct fd_rows *rows, const struct fd_entry *entry)
{
	if (rows->entries.nr == FD_ENTRIES_MAX)
		return -EFBIG;
	struct fd_entry *slot = array_add(&rows->entries);
	if (!slot)
		return -ENOMEM;
	*slot = *entry;
	rows->tables.items[rows->tables.nr - 1].nr++;
	rows->parts.items[rows->parts.nr - 1].end++;
	return 0;
}

const struct fd_entry *fd_rows_at(const struct fd_rows *rows, size_t i,
				  const struct process **process)
{
	size_t low = array_lower_bound(rows->parts.nr, k, rows->parts.items[k].end <= i);
	const struct fd_part *part = &rows->parts.items[low];
	const struct fd_table *table = &rows->tables.items[part->table];
	*process = part->process;
	return &rows->entries.items[table->start + table->nr - (part->end - i)];
}
