/* SPDX-License-Identifier: MIT
 * The arguments and the environment of a process, as its memory has them.
 */
#pragma once

#include "base/strbuf.h"
#include "images/memory-view.h"

enum process_strings { PROCESS_ARGS, PROCESS_ENVIRONMENT };

/* Longest that is read of either; the kernel takes no more than a quarter of the stack's limit. */
#define PROCESS_STRINGS_MAX (8 * 1024 * 1024)

/**
 * Strings, each ended by a NUL, appended to out.
 * @return 1; 0 when the checkpoint does not have all of these bytes (out is unchanged), or when the
 *         process has none; -errno
 */
int process_strings(struct memory_view *mv, enum process_strings which, struct strbuf *out,
		    struct error *err);
