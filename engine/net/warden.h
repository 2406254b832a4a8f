/* SPDX-License-Identifier: MIT
 * A process that holds TCP connections while they are dumped. It sets the lock and turns repair
 * mode on and off, so that whatever happens to the engine, even SIGKILL, somebody puts them right.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "engine/net/lock.h"
#include "sockets.pb-c.h"

struct warden;

struct warden_charge { /* what it is to look after; copied by being born */
	struct lock *lock;
	const int *sockets;
	size_t nr_sockets;
	const int *tasks; /* pidfds of the tree, to end it */
	size_t nr_tasks;
};

/** Bring it to life. The charge has to stay as it is until warden_free(). */
int warden_start(const struct warden_charge *charge, struct warden **out, struct error *err);
int warden_lock(struct warden *w, struct error *err);
/**
 * Read a connection: tcp_read().
 * @param bytes  both queues, receive first; valid until the next call
 */
int warden_read(struct warden *w, size_t index, TcpStreamEntry *out, uint32_t *state,
		const void **bytes, struct error *err);
/** The lock outlives everybody. */
int warden_keep(struct warden *w, struct error *err);
/** Sockets stay in repair mode, so that their end is silent; `with_kill`: the tasks end at once. */
int warden_hold(struct warden *w, bool kill, struct error *err);
/** Send it away, once. @param undo  connections go on as before; NULL is fine */
void warden_end(struct warden *w, bool undo);
/** Wait for its end, which takes some milliseconds where it had rules of nftables. NULL is fine */
void warden_free(struct warden *w);
