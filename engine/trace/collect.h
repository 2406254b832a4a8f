/* SPDX-License-Identifier: MIT
 * What is known of a frozen task from outside: /proc, ptrace and kcmp.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/task/label.h"

/** What /proc tells of a frozen task; of several at the same time. Who is gone becomes TASK_DEAD.
 */
int trace_read(struct task *t, struct error *err);
/** Afterwards: fill it and its threads. A task that died meanwhile may have become a zombie. */
int trace_collect(struct task *t, const struct label_host *host, struct error *err);

/** Read the queued signals, when no code of ours runs inside any more: more may have come by then.
 */
int trace_peek_signals(struct task *t, struct error *err);

/** Take out the tasks that died and were reaped while the tree was being stopped. */
int trace_drop_gone(struct dump *d, struct error *err);

/** Number the address spaces, descriptor tables, … tasks have, the same where they share one. */
int trace_share_ids(struct dump *d, struct error *err);

void trace_task_free(struct task *t);
