/* SPDX-License-Identifier: MIT
 * Inside files/: contents of pipes and FIFOs.
 */
#pragma once

#include "engine/files/set.h"
#include "engine/files/table.h"

/** Dump: size and contents, through an end that can be read; they stay where they are. */
int pipe_data_dump(struct dump *d, const struct open_file *f, struct pipe_seen *p,
		   struct error *err);
/** Dump: the size alone. */
int pipe_data_write_size(struct dump *d, const struct pipe_seen *p, struct error *err);

struct pipe_item *pipe_item_find(struct file_set *set, uint32_t pipe_id,
				 bool fifo); /* NULL: none */
struct pipe_item *pipe_item_add(struct file_set *set, uint32_t pipe_id, bool fifo);
/** Restore: put them back. @param fd  a writable end that does not block; the pipe is empty */
int pipe_data_fill(const struct file_set *set, int fd, struct pipe_item *item, struct error *err);
void pipe_data_free(struct file_set *set);
