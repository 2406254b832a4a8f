/* SPDX-License-Identifier: MIT
 * Inside net/: unix sockets seen by a dump, and those a restore makes.
 */
#pragma once

#include "engine/files/file.h"
#include "engine/net/lock-ns.h"
#include "engine/net/ns-filter.h"
#include "engine/net/queue.h"
#include "engine/net/unix-diag.h"

struct unix_seen { /* a socket some task of the tree holds, or its peer outside */
	uint32_t ino;
	bool external;
	char holder[96];
};

struct net_table {                  /* of a dump */
	struct unix_list unix_list; /* as the kernel tells them, asked once in each namespace */
	struct {
		struct net_asked {
			uint32_t ns;
			unsigned lists; /* bits: enum net_list */
		} * items;
		size_t nr, cap;
	} asked;
	struct {
		struct unix_seen *items;
		size_t nr, cap;
	} seen;
	struct {
		FileEntry **items; /* owned */
		size_t nr, cap;
	} late; /* entries that have to stand behind that of their peer */
	struct image_writer *queues;
	struct netlink_list *netlink; /* likewise, as the kernel tells them */
	struct packet_list *packet;
	struct inet_table *inet;   /* NULL until an IPv4 or IPv6 socket is met */
	struct net_locks ns_locks; /* of network namespaces that are not the engine's */
	struct {                   /* of every network namespace of the tree */
		struct net_filters *items;
		size_t nr, cap;
	} filters;
};

struct unix_item { /* of a restore: an entry of files.img */
	const UnixSkEntry *entry;
	uint32_t id;
	int fd;   /* made, and not yet given to files/; -1 */
	int temp; /* the end of a peer that is gone; -1 */
	bool made, filled, connected;
};

struct net_set {
	struct unix_item *items; /* sorted by ino */
	size_t nr, cap;
	struct queue_list queues;
	bool queues_wait; /* for tasks that descriptors in them tell of */
	struct inet_set *inet;
};

enum net_list { NET_LIST_UNIX, NET_LIST_NETLINK, NET_LIST_PACKET };

/** Make d->net, if there is none yet. */
int net_table_new(struct dump *d, struct error *err);
/** Is a list of sockets to be read, as it was not yet in the namespace the engine is in? @return 1,
 *  and it counts as read; 0; -ENOMEM */
int net_table_ask(struct dump *d, enum net_list list, struct error *err);
/** Every peer has to be in the tree. Writes the entries that waited for theirs. */
int unix_dump_check(struct dump *d, struct error *err);

/** By inode number; NULL: files.img has no such socket. */
struct unix_item *unix_find(struct net_set *set, uint32_t ino);
/** Queues, connections, options. */
int unix_finish(struct restore *r, struct error *err);
/** When all tasks exist: the same, where some queue had to wait for them. */
int unix_finish_late(struct restore *r, struct error *err);
