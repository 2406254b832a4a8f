/* SPDX-License-Identifier: MIT
 * The last step of a task in this program: it hands itself over to the restorer.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

/** Bytes of an arena that become_fill_args() takes. */
size_t become_args_size(const struct restore *r, const struct rtask *t);
size_t become_blob_size(void);
/** The restorer's code, into an arena. @return its address; 0: there is no room */
uint64_t become_copy_blob(struct arena *a);
/**
 * All that the restorer of a task is told, into t->arena.
 * @param shared  where the task will see r->shared; @param blob  its restorer's code
 * @param args    zeroed, in that arena
 */
int become_fill_args(struct restore *r, struct rtask *t, struct restore_shared *shared,
		     uint64_t blob, struct restorer_args *args, struct error *err);
/** Fill the arena and jump into the restorer. Returns -errno only. */
int become_restored(struct restore *r, struct rtask *t, struct error *err);
