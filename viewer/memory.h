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
	bool ready;            /* mv can be used */
	struct error error;    /* code < 0: it cannot be opened */
	bool is64, big_endian; /* pointers of its machine */
};

/**
 * Begin to open it; memory_step() until it is ready.
 * @return 0; -ENOENT for a zombie; -EBADMSG. Give it back with memory_unref().
 */
int memory_begin(struct app *app, const struct process *p, struct memory **out, struct error *err);
/** @return 1 more to do; 0 it is ready; -EBADMSG */
int memory_step(struct memory *memory, struct error *err);

/** Both at once: the caller can wait. */
int memory_ref(struct app *app, const struct process *p, struct memory **out, struct error *err);
/** NULL is fine. The last one used is kept for the next view. */
void memory_unref(struct app *app, struct memory *memory);
/** When the application ends. */
void memory_drop(struct app *app);
