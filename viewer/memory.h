/* SPDX-License-Identifier: MIT
 * Memory of processes, opened once for all views that look at it.
 */
#pragma once

#include "images/memory-view.h"

struct app;

struct memory {
	struct memory *next;
	unsigned refs;
	const struct process *process;
	struct memory_view *mv;
	bool is64, big_endian; /* pointers of its machine */
};

/** @return 0; -ENOENT for a zombie; -EBADMSG. Give it back with memory_unref(). */
int memory_ref(struct app *app, const struct process *p, struct memory **out, struct error *err);
/** NULL is fine. The last one used is kept for the next view. */
void memory_unref(struct app *app, struct memory *memory);
/** When the application ends. */
void memory_drop(struct app *app);
