/* SPDX-License-Identifier: MIT
 * Inside of net/: the network namespaces of a restore.
 */
#pragma once

#include "engine/context/restore.h"
#include "engine/net/lock.h"
#include "engine/net/nl.h"
#include "network.pb-c.h"

struct netns_link {
	NetDeviceEntry *entry;
	bool made;
};

struct netns {
	uint32_t id;
	bool root;        /* of the root task: ns/ makes it */
	int fd;           /* of another: leads to it as soon as it is made; else -1 */
	int external;     /* the caller's descriptor of it; -1: it is made */
	NetnsEntry *conf; /* NULL: images older than that */
	struct netns_links {
		struct netns_link *items;
		size_t nr, cap;
	} links;
	struct lock lock;
	struct nl *rt; /* while it is filled */
};

struct netns_set {
	struct netns *items;
	size_t nr, cap;
	int home; /* where the process that fills them is in the beginning; -1: it stays there */
	int *numbers; /* shared: of the builder's descriptors, one each */
};

/** NULL: nothing is to be made for it */
struct netns *netns_find(const struct restore *r, uint32_t id);

/** One more: read its images and check them. */
int netns_add(struct restore *r, uint32_t id, bool root, struct error *err);
/** In it: settings, and what it calls others; then all devices are made. */
int netns_begin(struct restore *r, struct netns *ns, struct error *err);
/** In it: the rest, but for filters. */
int netns_complete(struct restore *r, struct netns *ns, struct error *err);
/** In it: packet filters and tracked connections. */
int netns_filter_one(struct restore *r, const struct netns *ns, struct error *err);
/** The numbers it knows others by. ns-ids.c */
int netns_ids_set(const struct restore *r, const struct netns *ns, struct error *err);

/** Read netdev-N.img and check it. */
int netns_links_load(struct restore *r, struct netns *ns, struct error *err);
/** Once all are read: what is connected with what. */
int netns_links_check(const struct restore *r, const struct netns *ns, struct error *err);
/** The process that fills them enters one of them. */
int netns_stand(const struct netns_set *set, const struct netns *ns, struct error *err);
/** Make the devices of all. */
int netns_links_make(struct restore *r, struct netns_set *set, struct error *err);
/** In a namespace: give them their settings, and switch on those that were. */
int netns_links_fill(struct restore *r, const struct netns *ns, struct error *err);
/** When they have their addresses: new ones come about as they did before. */
int netns_links_finish(const struct netns *ns, struct error *err);
