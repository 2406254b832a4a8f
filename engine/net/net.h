/* SPDX-License-Identifier: MIT
 * Sockets: what several of them have to do with each other, around the rows of files/.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"

/** The tree's own network namespace, if it has one, is locked: before its descriptors are read. */
int net_dump_begin(struct dump *d, struct error *err);
/** Where the tree's network is: who waits to be accepted by unix sockets. Nobody can keep others
 * away, so it is asked before these come, when some were in the way. */
int net_dump_early(struct dump *d, struct error *err);
/** When the descriptors of all tasks are seen: every peer has to be in the tree; TCP connections
 * are locked and read. Writes the entries that waited for that. */
int net_dump_check(struct dump *d, struct error *err);
/** Complete sk-queues.img; from here on the lock outlives this process, when the tasks do not. */
int net_dump_finish(struct dump *d, struct error *err);
/** The set is whole: connections are to end silently with their tasks, which may be ended here. */
int net_dump_commit(struct dump *d, struct error *err);
/** Before the tasks are let go: without a commit their connections go on as before. */
void net_dump_end(struct dump *d);
void net_table_free(struct net_table *t);

/** Read sk-queues.img, find the sockets of files.img: after files.img is loaded. */
int net_load(struct restore *r, struct error *err);
/** When every file is open: what waits in queues, connections, options, what was shut down. */
int net_open_finish(struct restore *r, struct error *err);
/** When all tasks exist: queues with descriptors that had to wait for them, and what is behind. */
int net_finish_late(struct restore *r, struct error *err);
/** Is the file on its way through a socket? */
bool net_carries(const struct restore *r, uint32_t id);
/** Nothing can fail any more: connections come alive. */
int net_release(struct restore *r, struct error *err);
/** It failed: say what stays of the dump in packet filters. */
void net_warn_locked(const struct restore *r);
void net_set_free(struct net_set *set);
