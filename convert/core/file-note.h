/* SPDX-License-Identifier: MIT
 * The note of mapped files.
 */
#pragma once

#include "convert/core/notes.h"
#include "images/memory-view.h"

/** NT_FILE: which areas map what, by the names that the kernel gives them in /proc/PID/maps. */
int file_note(struct notes *n, const struct checkpoint *cp, const struct process *p,
	      struct memory_view *mv, struct error *err);
