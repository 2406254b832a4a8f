/* SPDX-License-Identifier: MIT
 * POSIX message queues of an IPC namespace, both directions: fields of ipcns-var-N.img.
 */
#pragma once

#include "engine/ns/ns.h"
#include "ipc.pb-c.h"

/** Add every queue with what waits in it; this process is in the namespace. They stay as they are,
 *  also when this process is killed. @return 0; -ENOTSUP naming the queue */
int mqueues_dump(struct dump *d, IpcVarEntry *e, struct error *err);
void mqueues_free(IpcVarEntry *e);
int mqueues_check(const IpcVarEntry *e, struct error *err);
/** Make them, in the fresh namespace. */
int mqueues_fill(const IpcVarEntry *e, struct error *err);
