/* SPDX-License-Identifier: MIT
 * What has to be known of a set before values in it change: sockets, addresses, routes, ids.
 */
#pragma once

#include "convert/remap/rules.h"
#include "images/source.h"
#include "sockets.pb-c.h"

struct net_socket {
	uint32_t id, ns, proto, sport, dport;
	struct ip src, dst;
	bool v6only, v6;
};

/* Instead of the number of a namespace: what a container engine says in network.status. */
#define NS_STATUS UINT32_MAX

struct net_address {
	uint32_t ns, ifindex;
	struct ip local;
	unsigned bits; /* of its network; IP_BITS: none */
};

struct net_route {
	const char *image; /* where it stands, without its number */
	uint32_t ns, oif;
	struct ip dst, gateway;
	unsigned bits; /* of dst; 0: the default route */
	bool has_gateway;
};

struct id_range {
	bool group; /* of gids */
	uint32_t first, count;
};

struct numbers {
	uint32_t *items;
	size_t nr, cap;
};

struct facts {
	struct {
		struct net_socket *items;
		size_t nr, cap;
	} sockets;
	struct {
		struct net_address *items;
		size_t nr, cap;
	} addresses;
	struct {
		struct net_route *items;
		size_t nr, cap;
	} routes;
	struct {
		struct id_range *items;
		size_t nr, cap;
	} mapped;            /* by user namespaces; none: all ids are */
	struct numbers pids; /* that the set knows of, collected by the first pass */
	bool has_parent;
	uint32_t nested_pid; /* of a task in a pid namespace inside of the root's; 0: none is */
	struct numbers users_inside;   /* user namespaces inside of the one whose ids these are */
	struct numbers users_of_tasks; /* those that tasks are in */
};

/** Is a task in one of users_inside? */
bool facts_tasks_are_inside(const struct facts *facts);
int facts_read(struct source *src, struct facts *out, struct error *err);
void facts_fini(struct facts *facts);
/** facts-status.c: addresses and networks that a container engine is to give it at a restore. */
int facts_read_status(struct source *src, struct facts *facts, struct error *err);

int facts_add_pid(struct facts *facts, uint32_t pid, struct error *err);

/** Is there a socket at this end? Then its port is one of the set's own. */
bool facts_own_end(const struct facts *facts, const struct ip *ip, uint32_t port);
