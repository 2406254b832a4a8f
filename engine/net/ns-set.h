/* SPDX-License-Identifier: MIT
 * Inside of net/: the network namespaces of a restore.
 */
#pragma once

#include "engine/net/lock.h"
#include "engine/net/nl.h"
#include "engine/restore.h"
#include "network.pb-c.h"

struct netns_link {
	NetDeviceEntry *entry;
	bool made;
};

struct netns {
	uint32_t id;
	NetnsEntry *conf; /* NULL: images older than that */
	struct netns_links {
		struct netns_link *items;
		size_t nr, cap;
	} links;
};

struct netns_set {
	struct lock lock; /* of the namespace of the root */
	int external;     /* the caller's descriptor of it; -1: it is made */
	struct netns *items;
	size_t nr, cap;
};

/** NULL: nothing is to be made for it */
struct netns *netns_find(const struct restore *r, uint32_t id);

/** Read netdev-N.img and check it. */
int netns_links_load(struct restore *r, struct netns *ns, struct error *err);
/** Make devices, give them their settings, and switch on those that were. */
int netns_links_fill(struct restore *r, struct netns *ns, struct nl *rt, struct error *err);
/** When they have their addresses: new ones come about as they did before. */
int netns_links_finish(const struct netns *ns, struct nl *rt, struct error *err);
