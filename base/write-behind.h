/* SPDX-License-Identifier: MIT
 * Long outputs: a second thread writes one piece while the next is made.
 */
#pragma once

#include <stddef.h>

struct write_behind;

/** @param fd  borrowed. @return NULL when memory is short */
struct write_behind *write_behind_new(int fd);
/**
 * Write the whole pages of a buffer: at once, or, when the output has become long, by a thread that
 * gives another buffer in exchange. What was behind them, less than a page, is at its start then.
 * @param buf  from io_buffer(); of cap bytes, len of them to be written
 * @return 0; -errno of this piece or of one before
 */
int write_behind_pages(struct write_behind *b, char **buf, size_t *len, size_t *cap);
/** Write all of it; nothing is on its way afterwards. */
int write_behind_all(struct write_behind *b, const char *buf, size_t len);
/** Waits for what is on its way. NULL is fine. */
void write_behind_free(struct write_behind *b);
