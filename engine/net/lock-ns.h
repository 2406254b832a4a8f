/* SPDX-License-Identifier: MIT
 * Inside of net/: the network namespace of a tree as a whole is locked. Nothing arrives that would
 * have to be answered: who connects meanwhile tries again.
 */
#pragma once

#include "engine/net/lock.h"
#include "engine/net/warden.h"

struct dump;
struct restore;
struct netns;

struct ns_seen;

struct net_locks { /* of a dump */
	struct net_lock {
		struct lock lock;
		struct warden *warden;
	} * *items;
	size_t nr, cap;
	bool held;  /* they stay: the tasks end, or stay stopped */
	bool ended; /* net_lock_end() was there */
};

/** Lock those of all tasks that are not the engine's own; call the hook, where the root's is one.
 */
int net_lock_begin(struct dump *d, struct error *err);
/** One more. */
int net_lock_add(struct dump *d, const struct ns_seen *ns, struct error *err);
int net_lock_keep(struct dump *d, struct error *err);
void net_lock_end(struct dump *d);
/** Wait for the processes that hold them. */
void net_locks_fini(struct net_locks *all);

/** The same for a restore, in the namespace; it is not filled yet. */
int net_lock_restored(const struct restore *r, struct netns *ns, struct error *err);
