/* SPDX-License-Identifier: MIT
 * Inside of net/: the network namespace of a tree as a whole is locked. Nothing arrives that would
 * have to be answered: who connects meanwhile tries again.
 */
#pragma once

#include "engine/net/lock.h"
#include "engine/net/warden.h"

struct dump;
struct restore;

struct net_lock { /* of a dump */
	struct lock lock;
	struct warden *warden; /* NULL: not locked */
	bool held;             /* it stays: the tasks end, or stay stopped */
};

/** Call the hook and lock, where the tree has a network namespace apart. */
int net_lock_begin(struct dump *d, struct error *err);
int net_lock_keep(struct dump *d, struct error *err);
void net_lock_end(struct dump *d);

/** The same for a restore, in the namespace; it is not filled yet. */
int net_lock_restored(struct restore *r, struct error *err);
/** In the namespace again: everything is as it was. */
int net_unlock_restored(struct restore *r, struct error *err);
