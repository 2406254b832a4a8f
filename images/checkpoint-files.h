/* SPDX-License-Identifier: MIT
 * The open files of a checkpoint by type and id: files.img, or the image per type before it.
 */
#pragma once

#include <sys/types.h>

#include "files.pb-c.h"
#include "images/checkpoint.h"
#include "images/source.h"

struct file_table;

/** Read them all; a set without any has an empty table. */
int file_table_read(struct source *src, struct file_table **out, struct error *err);
void file_table_free(struct file_table *table);

/** NULL: none. Of two files with one type and id, the first in the image. Borrowed. */
const FileEntry *file_table_find(const struct file_table *table, FdTypes type, uint32_t id);
/** Which image and entry that is; NULL: none. Borrowed. */
const struct file_place *file_table_place(const struct file_table *table, FdTypes type,
					  uint32_t id);
/** Sorted by type and id. Borrowed. */
size_t file_table_items(const struct file_table *table, FileEntry *const **out);
