/* SPDX-License-Identifier: MIT
 * Backtraces of a checkpoint as a document.
 */
#pragma once

#include "convert/doc/doc.h"
#include "images/checkpoint.h"

/**
 * Write the backtraces of every thread. What keeps one thread or process from being read stands in
 * its place; the others follow.
 * @param only  of this process; NULL: of all
 * @param sysroot  as of stack_open()
 * @param failed  how many threads and processes could not be read, or not to their end, for
 *                something else than what is passed over (images/damage.h)
 * @return 0; -ENOTSUP without elfutils; -ENOMEM
 */
int stack_report(struct checkpoint *cp, const struct process *only, const char *sysroot,
		 struct doc *doc, size_t *failed, struct error *err);
