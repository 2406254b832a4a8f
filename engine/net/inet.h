/* SPDX-License-Identifier: MIT
 * Inside net/: IPv4 and IPv6 sockets of a dump, and those a restore makes.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "engine/net/inet-diag.h"
#include "engine/net/lock.h"
#include "engine/net/tcp.h"
#include "engine/net/warden.h"
#include "files.pb-c.h"

struct inet_table { /* of a dump */
	struct {
		struct inet_list *items; /* as the kernel tells them, asked once each */
		size_t nr, cap;
	} lists;
	struct { /* TCP connections: read when all descriptors are seen */
		struct inet_conn {
			FileEntry *entry; /* owned */
			char holder[96];
		} * items;
		size_t nr, cap;
	} conns;
	struct {
		int *items; /* sockets that listen for TCP, owned */
		size_t nr, cap;
	} listeners;
	struct error in_flight; /* a connection waits at one of them; code 0: none does */
	int *sockets;           /* of conns, owned */
	size_t cap_sockets;
	struct lock_conn *lock_conns;
	int *pidfds; /* of the tree, borrowed from its tasks */
	struct lock lock;
	struct warden *warden;
	bool held; /* the tasks end, or stay stopped: connections are not to go on */
};

struct inet_item { /* of a restore: an entry of files.img */
	const FileEntry *entry;
	bool made;
	struct tcp_image tcp; /* stream NULL: no connection to be made */
};

struct inet_set {
	struct inet_item *items; /* sorted by file id */
	size_t nr, cap;
	struct lock lock; /* as the dump left it */
	struct lock_conn *lock_conns;
};

/** Is it TCP, and has another end? */
bool inet_is_connection(const InetSkEntry *sk);
/** Keep a connection for later. @param fd  duplicated. @return 1, the entry is taken over; -errno
 */
int inet_conn_add(struct inet_table *t, int fd, FileEntry *e, const char *holder,
		  struct error *err);
/** A listening socket is met. @param fd  duplicated */
int inet_listener_add(struct inet_table *t, int fd, struct error *err);
/** When all descriptors are seen: -EBUSY where connections wait; no others come then. */
int inet_dump_listeners(struct dump *d, struct error *err);
/** TCP connections are locked, read and written. */
int inet_dump_connections(struct dump *d, struct error *err);
int inet_dump_keep(struct dump *d, struct error *err);
int inet_dump_hold(struct dump *d, struct error *err);
void inet_dump_end(struct dump *d);
void inet_table_free(struct inet_table *t);

int inet_load(struct restore *r, struct error *err);
void inet_set_free(struct inet_set *set);
/** By file id; NULL: files.img has no such socket. */
struct inet_item *inet_item_find(const struct net_set *net, uint32_t id);
/** Is it one, and not that of all? @param words  an address of the socket */
bool inet_has_address(const uint32_t *words, const InetSkEntry *sk);
/**
 * Has another socket of the network namespace its port, at the same address, or at all of them?
 * @param reused  only those with SO_REUSEPORT count
 */
bool inet_shares_port(const struct restore *r, const InetSkEntry *sk, bool reused);
/** When every socket is made: ends of streams, options. */
int inet_finish(struct restore *r, struct error *err);
/** Unlock the connections, end repair mode: from here on they live. */
int inet_release(struct restore *r, struct error *err);
