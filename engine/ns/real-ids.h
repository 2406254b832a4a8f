/* SPDX-License-Identifier: MIT
 * What the coordinator knows the tasks of another pid namespace as.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

/** In a task: its pid as the /proc of the coordinator has it. @return 0 without /proc */
pid_t real_id_of_self(void);
/** The largest id of a thread of the tree, in the pid namespace of a task. */
uint32_t ids_largest(const struct restore *r, const struct rtask *self);
/**
 * In a pid 1 of a namespace that is new: new pids go on behind those of the tree, as the kernel
 * would take the lowest otherwise, of processes that have just ended.
 * @param self  this task
 */
void pid_counter_set(const struct restore *r, const struct rtask *self);
/** Fill in rtask.real of every task and thread, once all exist. Nothing to do for a tree whose pid
 *  namespace is the coordinator's. */
int real_ids_find(struct restore *r, struct error *err);
/** What a pid of the images is to the coordinator: of a task, thread or helper. @return 0: nothing
 */
pid_t real_id_of(const struct restore *r, pid_t pid);
