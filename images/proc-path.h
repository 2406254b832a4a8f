/* SPDX-License-Identifier: MIT
 * Paths in /proc say which process and thread they are of.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/** @return what a number becomes; the same: it stays */
typedef uint32_t proc_renumber(void *ctx, uint32_t id);

/**
 * "/proc/PID/…" and "/proc/PID/task/TID/…" with other numbers.
 * @param out  the new path, appended; of no use unless something changed
 * @return 1: it changed; 0; -ENOMEM
 */
int proc_path_renumber(const char *path, size_t len, proc_renumber *renumber, void *ctx,
		       struct strbuf *out);
