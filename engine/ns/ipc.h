/* SPDX-License-Identifier: MIT
 * IPC namespaces: limits, message queues, semaphores. Their shared memory is mem/sysv.h's.
 */
#pragma once

#include "engine/ns/ns.h"

/** Semaphores of the IPC namespace this process is in that may have been taken with SEM_UNDO. */
void ipc_warn_of_undo(const struct dump *d);
int ipc_dump(struct dump *d, const struct ns_seen *ns, struct error *err);
int ipc_load(struct restore *r, uint32_t id, struct error *err);
int ipc_fill(struct restore *r, uint32_t id, struct error *err);
/** When every object of the tree is made: the ids of those that come next. */
int ipc_finish(struct restore *r, uint32_t id, struct error *err);

/** The next object of a kind ("shm", "msg", "sem") that is made gets this id. */
int ipc_choose_id(const char *kind, uint32_t id, struct error *err);
