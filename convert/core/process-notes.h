/* SPDX-License-Identifier: MIT
 * The notes of one process: what it was, its threads, its mapped files.
 */
#pragma once

#include "convert/core/machine.h"
#include "images/memory-view.h"

/** All notes, in the order debuggers expect them: the leader's first. */
int process_notes(const struct checkpoint *cp, const struct process *p, struct memory_view *mv,
		  const struct core_machine *machine, struct notes *out, struct error *err);
