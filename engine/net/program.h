/* SPDX-License-Identifier: MIT
 * Programs of the system, for what no library does.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/strbuf.h"

/** Is it there? Looked for where the system's own are, whatever PATH says. */
bool program_found(const char *name);
/**
 * Run it to its end.
 * @param args    further arguments, NULL behind the last
 * @param input   what it reads
 * @param output  what it says is appended; NULL: nobody wants it
 * @return 0; -ENOTSUP: it is not installed; -EIO with the first line it said
 */
int program_run(const char *name, const char *const *args, const char *input, struct strbuf *output,
		struct error *err);
