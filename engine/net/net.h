/* SPDX-License-Identifier: MIT
 * Sockets: what several of them have to do with each other, around the rows of files/.
 */
#pragma once

#include "engine/dump.h"
#include "engine/restore.h"

/** When the descriptors of all tasks are seen: every peer has to be in the tree. Writes the entries
 *  that waited for theirs. */
int net_dump_check(struct dump *d, struct error *err);
/** Complete sk-queues.img. */
int net_dump_finish(struct dump *d, struct error *err);
void net_table_free(struct net_table *t);

/** Read sk-queues.img, find the sockets of files.img: after files.img is loaded. */
int net_load(struct restore *r, struct error *err);
/** When every file is open: what waits in queues, connections, options, what was shut down. */
int net_open_finish(struct restore *r, struct error *err);
void net_set_free(struct net_set *set);
